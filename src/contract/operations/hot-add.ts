/** Disks hot-added to proxy VMs over SCP and straight over HCI, and commands run in a guest. */
import { ASSUMED_PATHS } from '../assumed.ts';
import type { Operation } from '../operation.ts';
import {
  guestExecBody,
  guestExecResult,
  hciHotAddBody,
  hciHotRemoveBody,
  hotAddBody,
  hotRemoveBody,
} from '../schemas/hot-add.ts';
import { taskStarted } from '../schemas/page.ts';

const SHARED = {
  success: 200,
  minVersion: '6.11.3',
  access: 'admin',
  hasNotFound: true,
  fidelity: 'assumed',
} as const;

export const HOT_ADD_OPERATIONS = {
  'hot-add.add': {
    ...SHARED,
    summary: 'Hot-adds disks to a proxy VM: linked clones of a snapshot, or the disks themselves',
    method: 'POST',
    paths: [ASSUMED_PATHS.hotAdd],
    body: hotAddBody,
    data: taskStarted,
    source: 'SCP 6.11.3 guide, "Create VM disks": named there without path and fields',
  },
  'hot-add.remove': {
    ...SHARED,
    summary: 'Removes hot-added disks from a proxy VM',
    method: 'POST',
    paths: [ASSUMED_PATHS.hotRemove],
    body: hotRemoveBody,
    data: taskStarted,
    source: 'SCP 6.11.3 guide, "VM disks action": named there without path and fields',
  },
  'hci.hot-add.add': {
    ...SHARED,
    summary: 'The HCI twin of hot-add.add; servers by their id or their HCI id',
    method: 'POST',
    paths: [ASSUMED_PATHS.hciHotAdd],
    body: hciHotAddBody,
    data: taskStarted,
    source: 'HCI 6.11.3 guide, HotAdd: path and fields after the habits of the HCI calls',
  },
  'hci.hot-add.remove': {
    ...SHARED,
    summary: 'The HCI twin of hot-add.remove',
    method: 'POST',
    paths: [ASSUMED_PATHS.hciHotRemove],
    body: hciHotRemoveBody,
    data: taskStarted,
    source: 'HCI 6.11.3 guide, HotAdd: path and fields after the habits of the HCI calls',
  },
  'guest.exec': {
    ...SHARED,
    summary: 'Runs a command in the guest of a running server with vmtools',
    method: 'POST',
    paths: [ASSUMED_PATHS.guestExec],
    body: guestExecBody,
    data: taskStarted,
    source: 'SCP 6.11.3 guide, backup proxies: named there without path and fields',
  },
  'guest.exec-result': {
    ...SHARED,
    summary: 'What a command in the guest said',
    method: 'GET',
    paths: [ASSUMED_PATHS.guestExecResult],
    data: guestExecResult,
    source: 'SCP 6.11.3 guide, backup proxies: named there without path and fields',
  },
} as const satisfies Record<string, Operation>;

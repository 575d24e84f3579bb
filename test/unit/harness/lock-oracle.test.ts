import { describe, expect, it } from 'vitest';
import { findLockViolations } from '../../../harness/oracle/lock-oracle.ts';
import type { JournalEntry, JournalEvent } from '../../../src/kernel/journal.ts';

const names = {
  deleteSnapshot: ['snapshot.delete'],
  deleteResource: ['backup-resource.delete'],
  hotRemove: ['hot-add.remove', 'hci.hot-add.remove'],
};
const RESOURCE = '11111111-1111:22222222-2222';

const journal = (events: readonly JournalEvent[]): JournalEntry[] =>
  events.map((event, n) => ({ n, t: n, ...event }));
const state = (to: string): JournalEvent => ({
  type: 'state',
  entity: 'backup-resource',
  id: RESOURCE,
  to,
  server: 'vm-1',
});
const go: JournalEvent = {
  type: 'nbd.option',
  connection: 1,
  option: 'GO',
  reply: 'ACK',
  export: `${RESOURCE}/ide0`,
  isTls: false,
};
const ask: JournalEvent = {
  type: 'nbd.request',
  connection: 1,
  request: 1,
  command: 'READ',
  flags: 0,
  offset: 0,
  length: 512,
};
const answer: JournalEvent = { type: 'nbd.reply', connection: 1, request: 1, error: 0, bytes: 512 };
const rest = (operation: string, path: string, actor = 'engine'): JournalEvent => ({
  type: 'rest.request',
  call: 1,
  operation,
  method: 'DELETE',
  path,
  query: {},
  actor,
});
const judge = (...events: JournalEvent[]) =>
  findLockViolations(journal(events), names, new Set(['engine'])).map(({ rule, at }) => `${rule} at ${at}`);

const deleteResource = rest(
  'backup-resource.delete',
  `/janus/20180725/backup-resources/${encodeURIComponent(RESOURCE)}`,
);
const deleteSnapshot = rest('snapshot.delete', '/janus/20180725/servers/vm-1/snapshots/snap-1');

const attached: JournalEvent = {
  type: 'state',
  entity: 'hot-added-disk',
  id: 'disk-1',
  to: 'attached',
  server: 'proxy-1',
  detail: { source: 'vm-1', device: 'ide0', snapshot: 'snap-1', resource: RESOURCE },
};
const detached = { ...attached, from: 'attached', to: 'deleted' } as JournalEvent;
const removal = (disk: string): JournalEvent =>
  Object.assign(rest('hot-add.remove', '/janus/20240725/servers/proxy-1/disks/action'), {
    body: { action: 'delete', disk_ids: [disk] },
  });
const hciRemoval = (disk: string, proxy: string): JournalEvent =>
  Object.assign(rest('hci.hot-add.remove', `/hci/vt/api/v1/vms/${proxy}/disks/actions/delete`), {
    body: { diskIds: [disk] },
  });
const read = (error: number): JournalEvent => ({
  type: 'guest.io',
  server: 'proxy-1',
  device: 'vdb',
  disk: 'disk-1',
  command: 'READ',
  offset: 0,
  length: 512,
  error,
});

describe('lock oracle', () => {
  it('finds nothing when bytes, resource and snapshot come and go in order', () => {
    expect(
      judge(state('running'), go, ask, answer, deleteResource, state('released'), deleteSnapshot),
    ).toEqual([]);
  });

  it('finds bytes that pass after the resource has ended', () => {
    expect(judge(state('running'), go, ask, state('expired'), answer)).toEqual(['bytes-after-end at 4']);
  });

  it('accepts a refusal after the end', () => {
    expect(judge(state('running'), go, ask, state('expired'), { ...answer, error: 108, bytes: 0 })).toEqual(
      [],
    );
  });

  it('finds a resource deleted under a request that has no answer yet', () => {
    expect(judge(state('running'), go, ask, deleteResource)).toEqual(['deleted-while-reading at 3']);
  });

  it('does not wait for the answer to a farewell', () => {
    expect(judge(state('running'), go, { ...ask, command: 'DISC' }, deleteResource)).toEqual([]);
  });

  it('finds a snapshot deleted before the resource that stands on it', () => {
    expect(judge(state('running'), deleteSnapshot)).toEqual(['snapshot-before-resource at 1']);
  });

  it('lets another snapshot of the server go while a resource or a clone stands on this one', () => {
    const other = rest('snapshot.delete', '/janus/20180725/servers/vm-1/snapshots/snap-0');
    const held = { ...state('running'), detail: { snapshot: 'snap-1' } } as JournalEvent;
    expect(judge(held, attached, other)).toEqual([]);
    expect(judge(held, deleteSnapshot)).toEqual(['snapshot-before-resource at 1']);
  });

  it('finds a resource or a snapshot deleted under a disk that is attached to a proxy', () => {
    expect(judge(state('running'), attached, deleteResource)).toEqual(['deleted-while-attached at 2']);
    expect(judge(attached, deleteSnapshot)).toEqual(['deleted-while-attached at 1']);
  });

  it('accepts both when the disk is detached, or its removal was asked for and the guest did not let go', () => {
    expect(judge(attached, detached, deleteResource, deleteSnapshot)).toEqual([]);
    expect(judge(attached, removal('disk-1'), deleteResource, deleteSnapshot)).toEqual([]);
    expect(judge(attached, removal('disk-2'), deleteSnapshot)).toEqual(['deleted-while-attached at 2']);
  });

  it('accepts a removal that HCI is asked for, by its own id of the proxy too', () => {
    for (const proxy of ['proxy-1', '4821900034510']) {
      expect(judge(attached, hciRemoval('disk-1', proxy), deleteResource, deleteSnapshot)).toEqual([]);
      expect(judge(attached, hciRemoval('disk-2', proxy), deleteSnapshot)).toEqual([
        'deleted-while-attached at 2',
      ]);
    }
  });

  it('takes a removal from one proxy for none from another', () => {
    const elsewhere = { ...attached, server: 'proxy-2' } as JournalEvent;
    for (const removed of [removal('disk-1'), hciRemoval('disk-1', 'proxy-1')])
      expect(judge(elsewhere, attached, removed, deleteSnapshot)).toEqual(['deleted-while-attached at 3']);
    expect(judge(elsewhere, removal('disk-1'), deleteSnapshot)).toEqual(['deleted-while-attached at 2']);
  });

  it('does not call a live disk that is attached for a restore a hindrance to deleting a snapshot', () => {
    const live = { ...attached, detail: { source: 'vm-1', resource: RESOURCE } } as JournalEvent;
    expect(judge(live, deleteSnapshot)).toEqual([]);
  });

  it('finds bytes of a device whose disk is detached', () => {
    expect(judge(attached, read(0), detached, read(0))).toEqual(['bytes-after-end at 3']);
    expect(judge(attached, detached, read(108))).toEqual([]);
  });

  it('does not judge what others do', () => {
    expect(judge(state('running'), { ...deleteSnapshot, actor: 'operator' } as JournalEvent)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { observe } from '../../../harness/rules/observe.ts';
import { hotAddCallsOf } from '../../../harness/rules/readings/hot-add-calls.ts';
import { readHotAdd } from '../../../harness/rules/read-hot-add.ts';
import type { JournalEvent, Json } from '../../../src/kernel/journal.ts';
import {
  dropSnapshot,
  ENGINE,
  job,
  journalOf,
  judge,
  reply,
  request,
  RESOURCE,
  SERVER,
  snapshotState,
  takeSnapshot,
  type Timed,
} from './rule-journal.ts';

const PROXY = 'proxy-1';
/** HCI's own ids of the proxy and of the server. */
const PROXY_VM = '4821900034510';
const SERVER_VM = '4821900034511';

interface Asked {
  readonly purpose?: string;
  readonly snapshot?: string;
}

/** How an engine calls for disks to come and go. */
interface Door {
  readonly names: readonly [add: string, remove: string];
  readonly add: (call: number, disks: readonly string[], asked?: Asked) => JournalEvent;
  readonly remove: (call: number, disks: readonly string[]) => JournalEvent;
  /** A look at the proxy. */
  readonly look: (call: number) => JournalEvent;
}

const scp = (proxy: string): Door => ({
  names: ['hot-add.add', 'hot-add.remove'],
  add: (call, disks, { purpose = 'backup', snapshot = 'snapshot-1' } = {}) =>
    request(call, 'hot-add.add', `/janus/20240725/servers/${proxy}/disks`, {
      body: {
        disks: disks.map((disk_id) => ({
          disk_id,
          application_type: purpose,
          snapshot_id: snapshot,
          source_server_id: SERVER,
        })),
      },
    }),
  remove: (call, disk_ids) =>
    request(call, 'hot-add.remove', `/janus/20240725/servers/${proxy}/disks/action`, {
      body: { action: 'delete', disk_ids },
    }),
  look: (call) => request(call, 'servers.get', `/janus/20240725/servers/${proxy}`),
});

const hci = (proxy: string, server: string): Door => ({
  names: ['hci.hot-add.add', 'hci.hot-add.remove'],
  add: (call, disks, { purpose = 'backup', snapshot = 'snapshot-1' } = {}) =>
    request(call, 'hci.hot-add.add', `/hci/vt/api/v1/vms/${proxy}/disks`, {
      body: {
        disks: disks.map((diskId) => ({
          diskId,
          applicationType: purpose,
          snapshotId: snapshot,
          sourceVmId: server,
        })),
      },
    }),
  remove: (call, diskIds) =>
    request(call, 'hci.hot-add.remove', `/hci/vt/api/v1/vms/${proxy}/disks/actions/delete`, {
      body: { diskIds },
    }),
  look: (call) => request(call, 'servers.get', `/hci/vt/api/v1/vms/${proxy}`),
});

/** To the proxy, and to another one. */
const DOORS: readonly (readonly [string, Door, Door])[] = [
  ['SCP', scp(PROXY), scp('proxy-2')],
  ['HCI', hci(PROXY, SERVER), hci('proxy-2', SERVER)],
  ['HCI by its own ids', hci(PROXY_VM, SERVER_VM), hci('4821900034512', SERVER_VM)],
];

const task = (name: string, status: 'doing' | 'finish' | 'failure', description = ''): JournalEvent => ({
  type: 'task',
  task: name,
  action: 'hotadd',
  server: PROXY,
  status,
  progress: 0,
  description,
});
const attached = (id: string, why = `added by ${ENGINE}`): JournalEvent => ({
  type: 'state',
  entity: 'hot-added-disk',
  id,
  to: 'attached',
  server: PROXY,
  why,
  detail: { purpose: 'backup', source: SERVER, resource: RESOURCE, snapshot: 'snapshot-1' },
});
const detached = (id: string): JournalEvent => ({
  type: 'state',
  entity: 'hot-added-disk',
  id,
  from: 'attached',
  to: 'deleted',
  server: PROXY,
});
const io: JournalEvent = {
  type: 'guest.io',
  server: PROXY,
  device: 'vdb',
  disk: 'disk-1',
  command: 'READ',
  offset: 0,
  length: 512,
  error: 0,
};

const beginning: readonly Timed[] = [
  [0, job('begins')],
  [1, takeSnapshot(1)],
  [1, snapshotState(undefined, 'creating')],
  [2, snapshotState('creating', 'normal')],
];

const started = (call: number, operation: string, data: Json = { task_id: `task-${call}` }): JournalEvent =>
  reply(call, operation, { data });

/** Disks are asked for, and come. */
function adding(door: Door, call: number, disks: readonly string[], seconds = 3, asked?: Asked): Timed[] {
  return [
    [seconds, door.add(call, disks, asked)],
    [seconds, task(`task-${call}`, 'doing')],
    [seconds, started(call, door.names[0])],
    ...disks.map((disk): Timed => [seconds + 1, attached(disk)]),
    [seconds + 1, task(`task-${call}`, 'finish')],
  ];
}

/** Their removal is asked for, and they go. */
function removing(door: Door, call: number, disks: readonly string[], seconds = 10): Timed[] {
  return [
    [seconds, door.remove(call, disks)],
    [seconds, task(`task-${call}`, 'doing')],
    [seconds, started(call, door.names[1])],
    ...disks.map((disk): Timed => [seconds + 1, detached(disk)]),
    [seconds + 1, task(`task-${call}`, 'finish')],
  ];
}

describe.each(DOORS)('disks that come and go through %s', (_name, door, elsewhere) => {
  const found = (id: Parameters<typeof judge>[0], ...events: readonly Timed[]) =>
    judge(id, ...beginning, ...events).violations.length;

  it('are known with the calls that asked for both, and the tasks of those', () => {
    const seen = observe(
      journalOf(...beginning, ...adding(door, 2, ['disk-1', 'disk-2']), ...removing(door, 3, ['disk-1'])),
    );
    expect(seen.hotAdded).toMatchObject([
      { id: 'disk-1', createdBy: { call: 2 }, deletedBy: [{ call: 3 }] },
      { id: 'disk-2', createdBy: { call: 2 }, deletedBy: [] },
    ]);
    const [add, remove] = hotAddCallsOf(seen);
    expect(add).toMatchObject({
      kind: 'add',
      proxy: PROXY,
      server: PROXY,
      disks: [{ disk: 'disk-1', purpose: 'backup', snapshot: 'snapshot-1' }, { disk: 'disk-2' }],
      task: { task: 'task-2', status: 'finish' },
    });
    expect(remove).toMatchObject({
      kind: 'remove',
      proxy: PROXY,
      disks: [{ disk: 'disk-1' }],
      task: { task: 'task-3' },
    });
  });

  it('are told from the disks of the same name that come or go elsewhere, or the other way', () => {
    const { hotAdded } = observe(
      journalOf(
        ...adding(door, 2, []),
        [4, door.add(3, ['disk-1'])],
        [4, elsewhere.add(4, ['disk-1'])],
        [4, door.remove(5, ['disk-1'])],
        [5, attached('disk-1')],
        [6, elsewhere.remove(6, ['disk-1'])],
        [6, door.add(7, ['disk-1'])],
        [6, door.remove(8, ['disk-1'])],
      ),
    );
    expect(hotAdded).toMatchObject([{ createdBy: { call: 3 }, deletedBy: [{ call: 8 }] }]);
  });

  it('are all of a server in one call (HOTADD-1)', () => {
    expect(found('HOTADD-1', ...adding(door, 2, ['disk-1', 'disk-2']))).toBe(0);
    expect(found('HOTADD-1', ...adding(door, 2, ['disk-1']), ...adding(door, 3, ['disk-2'], 5))).toBe(1);
  });

  it('are asked for when the task before has ended (HOTADD-2)', () => {
    const first = adding(door, 2, ['disk-1']);
    expect(found('HOTADD-2', ...first, ...removing(door, 3, ['disk-1']))).toBe(0);
    expect(found('HOTADD-2', ...first.slice(0, 3), [4, door.remove(3, ['disk-1'])])).toBe(1);
  });

  it('are asked of a proxy that runs (HOTADD-3)', () => {
    const power = (to: string): JournalEvent => ({ type: 'state', entity: 'server', id: PROXY, to });
    const of = (to: string): readonly Timed[] => [
      [2, power(to)],
      [2, door.look(7)],
      [2, reply(7, 'servers.get', { data: { id: PROXY } })],
      ...adding(door, 2, ['disk-1']),
    ];
    expect(found('HOTADD-3', ...of('running'))).toBe(0);
    expect(found('HOTADD-3', ...of('stopped'))).toBe(1);
  });

  it('are asked for elsewhere when the host does not reach their datastore (HOTADD-4)', () => {
    const words = 'The host cannot access the datastore.';
    const declined: readonly Timed[] = [
      [3, door.add(2, ['disk-1'])],
      [3, task('task-2', 'doing')],
      [3, started(2, door.names[0])],
    ];
    expect(found('HOTADD-4', ...declined, [4, task('task-2', 'finish')])).toBe(0);
    expect(found('HOTADD-4', ...declined, [4, task('task-2', 'failure', words)])).toBe(1);
  });

  it('are fewer when there was no room for all (HOTADD-5)', () => {
    const full = reply(2, door.names[0], { status: 400, message: 'A server cannot have so many disks.' });
    const refused: readonly Timed[] = [
      [3, door.add(2, ['disk-1', 'disk-2'])],
      [3, full],
    ];
    expect(judge('HOTADD-5', ...beginning, ...refused, [4, door.add(3, ['disk-1'])])).toEqual({
      exercised: 1,
      violations: [],
    });
    expect(found('HOTADD-5', ...refused, [4, door.add(3, ['disk-1', 'disk-2'])])).toBe(1);
  });

  it('are clones of the snapshot of the job (HOTADD-6)', () => {
    expect(found('HOTADD-6', ...adding(door, 2, ['disk-1']))).toBe(0);
    expect(found('HOTADD-6', ...adding(door, 2, ['disk-1'], 3, { purpose: 'normal' }))).toBe(1);
    expect(found('HOTADD-6', ...adding(door, 2, ['disk-1'], 3, { snapshot: 'snapshot-0' }))).toBe(1);
  });

  it('go before the snapshot behind them (HOTADD-9)', () => {
    const there = adding(door, 2, ['disk-1']);
    const drop: Timed = [12, dropSnapshot(9)];
    expect(judge('HOTADD-9', ...beginning, ...there, [10, door.remove(3, ['disk-1'])], drop)).toEqual({
      exercised: 1,
      violations: [],
    });
    expect(found('HOTADD-9', ...there, [10, door.remove(3, ['disk-2'])], drop)).toBe(1);
  });

  it('are used no more when their removal was accepted (HOTADD-10)', () => {
    const there = adding(door, 2, ['disk-1']);
    const asked = removing(door, 3, ['disk-1']).slice(0, 3);
    expect(found('HOTADD-10', ...there, [9, io], ...asked)).toBe(0);
    expect(found('HOTADD-10', ...there, ...asked, [11, io])).toBe(1);
  });

  it('are only those that the engine itself has added (HOTADD-11)', () => {
    const there: readonly Timed[] = [
      ...adding(door, 2, ['disk-1']),
      [4, attached('disk-9', 'added by a stranger')],
    ];
    expect(found('HOTADD-11', ...there, [10, door.remove(3, ['disk-1'])])).toBe(0);
    expect(found('HOTADD-11', ...there, [10, door.remove(3, ['disk-1', 'disk-9'])])).toBe(1);
  });

  it('are looked for after their removal (CLEAN-5)', () => {
    const gone = [...adding(door, 2, ['disk-1']), ...removing(door, 3, ['disk-1'])];
    const end: Timed = [20, job('succeeds')];
    const look: readonly Timed[] = [
      [12, door.look(4)],
      [12, reply(4, 'servers.get')],
    ];
    expect(judge('CLEAN-5', ...beginning, ...gone, ...look, end)).toEqual({
      exercised: 1,
      violations: [],
    });
    expect(found('CLEAN-5', ...gone, end)).toBe(1);
  });
});

describe('a server that a call of HCI names by the id that HCI has for it', () => {
  const look = (id: string) => request(7, 'servers.get', `/hci/vt/api/v1/vms/${id}`);
  const serversOf = (...events: readonly JournalEvent[]) =>
    observe(journalOf(...events.map((event): Timed => [1, event]))).calls.map(({ server }) => server);

  it('is told by a list of servers, also one that comes later', () => {
    const list = request(8, 'servers.list', '/janus/20240725/servers');
    const told = { data: { data: [{ id: PROXY, vm_id: PROXY_VM }] } };
    expect(serversOf(look(PROXY_VM), list, reply(8, 'servers.list', told))).toEqual([PROXY, undefined]);
  });

  it('is not the one that has no such id', () => {
    const told = { data: { data: [{ id: SERVER, vm_id: '' }] } };
    const list = request(8, 'servers.list', '/janus/20240725/servers');
    const shown = request(9, 'snapshots.get', '/hci/vt/api/v1/snapshots/snapshot-1');
    expect(serversOf(list, reply(8, 'servers.list', told), shown)).toEqual([undefined, undefined]);
  });

  it('is told by its own answer, or by nothing', () => {
    expect(serversOf(look(PROXY_VM), reply(7, 'servers.get', { data: { id: PROXY } }))).toEqual([PROXY]);
    expect(serversOf(look(PROXY_VM), reply(7, 'servers.get', { status: 404 }))).toEqual([PROXY_VM]);
    expect(serversOf(look(PROXY), reply(7, 'servers.get', { data: { id: PROXY } }))).toEqual([PROXY]);
  });
});

it('a snapshot that HCI is asked for is one of its server, and of no other (CLEAN-5)', () => {
  const shown = (id: string): JournalEvent => request(4, 'snapshots.get', `/hci/vt/api/v1/snapshots/${id}`);
  const looked = (id: string): readonly Timed[] => [
    ...beginning,
    [5, dropSnapshot(3)],
    [5, reply(3, 'snapshots.delete')],
    [6, shown(id)],
    [6, reply(4, 'snapshots.get', { status: 404 })],
    [7, job('succeeds')],
  ];
  expect(judge('CLEAN-5', ...looked('snapshot-1'))).toEqual({ exercised: 1, violations: [] });
  expect(judge('CLEAN-5', ...looked('snapshot-7')).violations).toHaveLength(1);
});

it('fields of one door mean nothing at the other', () => {
  const asked = { disks: [{ disk_id: 'disk-1' }], disk_ids: ['disk-1'] };
  expect(readHotAdd('hci.hot-add.add', asked)).toMatchObject({ disks: [{ disk: '' }] });
  expect(readHotAdd('hci.hot-add.remove', asked)).toEqual({ kind: 'remove', disks: [] });
  expect(readHotAdd('servers.get', asked)).toBeUndefined();
});

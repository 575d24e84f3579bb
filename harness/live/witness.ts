/**
 * What became of things on a live platform, as far as its answers tell: tasks, snapshots, locks, hot-added disks,
 * servers. Entries are those of the simulator, but at the instant at which a client could know, never earlier; what no
 * answer told (a lock that expired unseen) is not there.
 * @fidelity observed
 */
import type { OperationName } from '../../src/contract/operations.ts';
import type { Journal, JournalEvent, Json } from '../../src/kernel/journal.ts';
import { readHotAdd } from '../rules/read-hot-add.ts';
import { at, listOf as list, textOf as text } from './read-answer.ts';

/** A call that was carried out, and what was answered. */
export interface Told {
  readonly operation: OperationName;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, Json>>;
  readonly body: Json | undefined;
  readonly data: Json | undefined;
  readonly actor: string;
}

export interface Witness {
  /** To be called before the answer is journalled: what it tells of came before it. */
  readonly told: (told: Told) => void;
}

type TaskEvent = Extract<JournalEvent, { type: 'task' }>;
type StateEvent = Extract<JournalEvent, { type: 'state' }>;

interface Task {
  readonly about: Pick<TaskEvent, 'task' | 'action' | 'server' | 'object'>;
  readonly done: () => void;
  status: TaskEvent['status'];
}

interface Lock {
  readonly server: string;
  readonly detail: Readonly<Record<string, Json>>;
  status: string;
}

/** Everything that was told so far. */
interface Known {
  readonly append: (event: JournalEvent) => void;
  readonly tasks: Map<string, Task>;
  /** The last snapshot of each server. */
  readonly lastSnapshot: Map<string, string>;
  readonly snapshots: Map<string, { readonly server: string; hasDetail: boolean }>;
  readonly locks: Map<string, Lock>;
  /** Disks with change tracking, by server. */
  readonly tracked: Map<string, ReadonlySet<string>>;
  readonly power: Map<string, string>;
  /** The platform's ids of servers, by those that HCI has for them. */
  readonly hciIds: Map<string, string>;
  /** Slots by the ids of disks. */
  readonly slots: Map<string, string>;
  tokens: number;
}

export function createWitness(journal: Journal): Witness {
  const known: Known = {
    append: (event) => void journal.append(event),
    tasks: new Map(),
    lastSnapshot: new Map(),
    snapshots: new Map(),
    locks: new Map(),
    tracked: new Map(),
    power: new Map(),
    hciIds: new Map(),
    slots: new Map(),
    tokens: 0,
  };
  return { told: (told) => TELLERS[told.operation]?.(known, told) };
}

type Teller = (known: Known, told: Told) => void;

const TELLERS: { readonly [Name in OperationName]?: Teller } = {
  authenticate: login,
  'authenticate.v2': login,
  'tasks.get': followTask,
  'snapshots.create': snapshotAsked,
  'snapshots.get': snapshotShown,
  'snapshots.delete': (known, told) => snapshotDoomed(known, told, [told.params['snapshot_id'] ?? '']),
  'snapshots.batch-delete': (known, told) =>
    snapshotDoomed(known, told, texts(at(told.body, 'snapshot_ids'))),
  'cbt.status': trackingShown,
  'backup-resources.create': lockAsked,
  'backup-resources.get': lockShown,
  'backup-resources.renew': lockRenewed,
  'backup-resources.delete': lockReleased,
  'servers.get': serverShown,
  'servers.list': serversShown,
  'servers.create-from-config': serverAsked,
  'servers.delete': (known, told) => power(known, told, 'server.delete', undefined, 'deleted'),
  'servers.start': (known, told) => power(known, told, 'start', 'starting', 'running'),
  'servers.stop': (known, told) => power(known, told, 'stop', 'stopping', 'stopped'),
  'hot-add.add': disksAdded,
  'hot-add.remove': disksRemoved,
  'hci.hot-add.add': disksAdded,
  'hci.hot-add.remove': disksRemoved,
};

function login(known: Known, { actor }: Told): void {
  known.append({ type: 'state', entity: 'token', id: `token-${++known.tokens}`, to: 'valid', why: actor });
}

/** Without a task the platform is done when it answers. */
function begin(
  known: Known,
  { data }: Told,
  about: Omit<Task['about'], 'task'>,
  done: () => void = () => {},
): void {
  const task = text(at(data, 'task_id'));
  if (task === '') {
    done();
    return;
  }
  known.tasks.set(task, { about: { task, ...about }, done, status: 'waiting' });
  known.append({ type: 'task', task, ...about, status: 'waiting', progress: -2 });
}

const STATUSES: readonly TaskEvent['status'][] = ['waiting', 'doing', 'finish', 'failure', 'canceled'];

function followTask(known: Known, { params, data }: Told): void {
  const task = known.tasks.get(params['task_id'] ?? '');
  const status = STATUSES.find((one) => one === at(data, 'status'));
  if (task === undefined || status === undefined || status === task.status) return;
  task.status = status;
  if (status === 'finish') task.done();
  const progress = number(at(data, 'progress')) ?? 0;
  const description = text(at(data, 'description'));
  const why = description === '' ? {} : { description };
  known.append({ type: 'task', ...task.about, status, progress, ...why });
}

function snapshotAsked(known: Known, told: Told): void {
  const server = told.params['server_id'] ?? '';
  const id = text(at(told.data, 'resource_id'));
  const about = { action: 'snapshot.create', server, ...(id === '' ? {} : { object: id }) };
  if (id === '') {
    begin(known, told, about);
    return;
  }
  known.snapshots.set(id, { server, hasDetail: false });
  known.lastSnapshot.set(server, id);
  const name = text(at(told.body, 'name'));
  state(known, { entity: 'snapshot', id, to: 'creating', server, detail: { name } });
  begin(known, told, about, () =>
    state(known, { entity: 'snapshot', id, from: 'creating', to: 'normal', server }),
  );
}

/** Its checkpoint and its disks are told only now. */
function snapshotShown(known: Known, { params, data }: Told): void {
  const { snapshot_id: id = '' } = params;
  const snapshot = known.snapshots.get(id);
  if (snapshot?.hasDetail !== false) return;
  // HCI's path names no server.
  const { server } = snapshot;
  snapshot.hasDetail = true;
  const checkpoint = text(at(data, 'checkpoint_id'));
  const tracked = known.tracked.get(server);
  const disks = list(at(data, 'vmconf', 'hardware_option', 'disks')).map((disk) => {
    const slot = text(at(disk, 'device_id')) || text(at(disk, 'id'));
    const bytes = Math.round((number(at(disk, 'size_gb')) ?? 0) * 2 ** 30);
    return { id: slot, bytes, cbt: tracked?.has(slot) === true ? 'on' : 'off' };
  });
  const detail = {
    name: text(at(data, 'name')),
    checkpointId: /^\d{1,16}$/.test(checkpoint) ? Number(checkpoint) : checkpoint,
    disks,
  };
  state(known, { entity: 'snapshot', id, from: 'normal', to: 'normal', server, detail });
}

function snapshotDoomed(known: Known, told: Told, ids: readonly string[]): void {
  const server = told.params['server_id'] ?? '';
  const own = ids.filter((id) => known.snapshots.has(id));
  for (const id of own) state(known, { entity: 'snapshot', id, from: 'normal', to: 'deleting', server });
  const [object] = own;
  begin(
    known,
    told,
    { action: 'snapshot.delete', server, ...(object === undefined ? {} : { object }) },
    () => {
      for (const id of own) state(known, { entity: 'snapshot', id, from: 'deleting', to: 'deleted', server });
    },
  );
}

function trackingShown(known: Known, { params, data }: Told): void {
  const isOn = isSet(at(data, 'is_enabled'));
  const disks = list(at(data, 'disks')).filter((disk) => isOn && isSet(at(disk, 'is_enabled')));
  known.tracked.set(params['server_id'] ?? '', new Set(disks.map((disk) => text(at(disk, 'id')))));
}

function lockAsked(known: Known, told: Told): void {
  const server = text(at(told.body, 'server_id'));
  const id = text(at(told.data, 'resource_id'));
  const type = text(at(told.body, 'type'));
  const snapshot = type === 'backup' ? known.lastSnapshot.get(server) : undefined;
  const detail = {
    type,
    lockTimeSeconds: number(at(told.body, 'lock_time')) ?? 0,
    ...(snapshot === undefined ? {} : { snapshot }),
  };
  const lock: Lock = { server, detail, status: 'pending' };
  known.locks.set(id, lock);
  const why = `created by ${told.actor}`;
  state(known, { entity: 'backup-resource', id, to: 'pending', server, why, detail });
  begin(known, told, { action: 'backup-resource.create', server, object: id }, () =>
    lockChanges(known, id, 'running', 'the server is locked'),
  );
}

function lockChanges(known: Known, id: string, to: string, why: string): void {
  const lock = known.locks.get(id);
  if (lock === undefined || lock.status === to || ENDED.has(lock.status)) return;
  const { server, detail, status: from } = lock;
  lock.status = to;
  state(known, { entity: 'backup-resource', id, from, to, server, why, detail });
}

const ENDED: ReadonlySet<string> = new Set(['released', 'expired', 'cancelled', 'failed']);

function lockShown(known: Known, { params, data }: Told): void {
  const status = text(at(data, 'status'));
  if (status !== '' && status !== 'pending')
    lockChanges(known, params['backup_resources_id'] ?? '', status, 'the platform says so');
}

function lockRenewed(known: Known, told: Told): void {
  const id = told.params['backup_resources_id'] ?? '';
  const lock = known.locks.get(id);
  if (lock === undefined) return;
  const { server } = lock;
  const lockTimeSeconds = number(at(told.body, 'lock_time')) ?? 0;
  const detail = { ...lock.detail, lockTimeSeconds };
  if (lock.status === 'running')
    state(known, {
      entity: 'backup-resource',
      id,
      from: 'running',
      to: 'running',
      server,
      why: 'renewed',
      detail,
    });
  begin(known, told, { action: 'backup-resource.renew', server, object: id });
}

function lockReleased(known: Known, told: Told): void {
  const id = told.params['backup_resources_id'] ?? '';
  const server = known.locks.get(id)?.server;
  lockChanges(known, id, 'released', `deleted by ${told.actor}`);
  const about = { action: 'backup-resource.delete', object: id };
  begin(known, told, server === undefined ? about : { ...about, server });
}

/** Power only of servers for which it matters: proxies, and those that were switched or made. */
function serversShown(known: Known, { data }: Told): void {
  for (const item of list(at(data, 'data'))) {
    const id = text(at(item, 'id'));
    const hciId = text(at(item, 'vm_id'));
    if (hciId !== '') known.hciIds.set(hciId, id);
    const to = text(at(item, 'status'));
    const from = known.power.get(id);
    const matters = from !== undefined || text(at(item, 'os_name')) === 'Backup Proxy';
    if (!matters || from === to || !SETTLED.has(to)) continue;
    known.power.set(id, to);
    const why = 'as listed';
    state(known, { entity: 'server', id, to, server: id, why, ...(from === undefined ? {} : { from }) });
  }
}

const SETTLED: ReadonlySet<string> = new Set(['running', 'stopped']);

function serverAsked(known: Known, told: Told): void {
  const id = text(at(told.data, 'uuid'));
  begin(known, told, { action: 'server.create', object: id }, () => {
    known.power.set(id, 'stopped');
    const why = `created from a configuration by ${told.actor}`;
    state(known, { entity: 'server', id, to: 'stopped', server: id, why });
  });
}

function power(known: Known, told: Told, action: string, via: string | undefined, to: string): void {
  const id = told.params['server_id'] ?? '';
  const change = (next: string): void => {
    const from = known.power.get(id);
    known.power.set(id, next);
    const why = action;
    state(known, {
      entity: 'server',
      id,
      to: next,
      server: id,
      why,
      ...(from === undefined ? {} : { from }),
    });
  };
  if (via !== undefined) change(via);
  begin(known, told, { action, server: id, object: id }, () => change(to));
}

function disksAdded(known: Known, told: Told): void {
  const proxy = serverOf(known, told.params['server_id']);
  const disks = readHotAdd(told.operation, told.body)?.disks ?? [];
  begin(known, told, { action: 'hotadd.add', server: proxy }, () => {
    for (const { disk: id, purpose = '', source: named, snapshot = '' } of disks) {
      const source = serverOf(known, named);
      const resource = lockOf(known, source);
      const detail = {
        device: known.slots.get(id) ?? '',
        purpose,
        source,
        ...(snapshot === '' ? {} : { snapshot }),
        ...(resource === undefined ? {} : { resource }),
      };
      const why = `added by ${told.actor}`;
      state(known, { entity: 'hot-added-disk', id, to: 'attached', server: proxy, why, detail });
    }
  });
}

/** The calls of HCI take its own ids too. */
function serverOf({ hciIds }: Known, id = ''): string {
  return hciIds.get(id) ?? id;
}

/** The lock under which a server's disks are added. */
function lockOf(known: Known, server: string): string | undefined {
  return [...known.locks].findLast(([, lock]) => lock.server === server && lock.status === 'running')?.[0];
}

function serverShown(known: Known, { params, data }: Told): void {
  const { server_id: named = '' } = params;
  known.hciIds.set(named, text(at(data, 'id')) || named);
  for (const disk of list(at(data, 'disks'))) {
    const id = text(at(disk, 'disk_id'));
    const isOwn = (text(at(disk, 'application_type')) || 'normal') === 'normal';
    if (id !== '' && isOwn) known.slots.set(id, text(at(disk, 'id')));
  }
}

function disksRemoved(known: Known, told: Told): void {
  const server = serverOf(known, told.params['server_id']);
  const disks = readHotAdd(told.operation, told.body)?.disks ?? [];
  begin(known, told, { action: 'hotadd.remove', server }, () => {
    for (const { disk: id } of disks)
      state(known, {
        entity: 'hot-added-disk',
        id,
        from: 'attached',
        to: 'deleted',
        server,
        why: `removed by ${told.actor}`,
      });
  });
}

const state = (known: Known, event: Omit<StateEvent, 'type'>): void =>
  known.append({ type: 'state', ...event });

const number = (value: Json | undefined): number | undefined =>
  typeof value === 'number' ? value : undefined;
const texts = (value: Json | undefined): readonly string[] => list(value).map(text);
/** The product gives some switches as 0 and 1. */
const isSet = (value: Json | undefined): boolean => value === true || value === 1;

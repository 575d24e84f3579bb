/** Tasks, snapshots, hot-added disks and login tokens. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { parseInstant } from './instants.ts';
import type { Call, HotAddedLife, SnapshotLife, TaskLife, TokenLife } from './observation.ts';
import { idAfter } from './read-calls.ts';
import { type HotAddAsked, readHotAdd } from './read-hot-add.ts';
import { listOf, numberOf, textOf } from './read-json.ts';

type State = Extract<JournalEntry, { type: 'state' }>;
type TaskEntry = Extract<JournalEntry, { type: 'task' }>;
type Growing<T> = { -readonly [Key in keyof T]: T[Key] };

export interface LifeIndex {
  readonly answered: (call: Call) => void;
  readonly task: (entry: TaskEntry) => void;
  /** @returns false when it is nothing of what is followed here */
  readonly state: (entry: State) => boolean;
  readonly tasks: ReadonlyMap<string, TaskLife>;
  readonly snapshots: (calls: readonly Call[]) => readonly SnapshotLife[];
  readonly hotAdded: (calls: readonly Call[]) => readonly HotAddedLife[];
  readonly tokens: (calls: readonly Call[]) => readonly TokenLife[];
}

export function createLifeIndex(actors: ReadonlySet<string>): LifeIndex {
  const tasks = new Map<string, Growing<TaskLife>>();
  const snapshots = new Map<string, Growing<SnapshotLife>>();
  const disks: Growing<HotAddedLife>[] = [];
  const tokens: Growing<TokenLife>[] = [];
  return {
    tasks,
    answered(call) {
      const task = tasks.get(textOf(call.reply?.data, 'task_id') ?? '');
      if (task !== undefined && call.operation !== 'tasks.get') task.call ??= call;
    },
    task(entry) {
      const known = tasks.get(entry.task);
      if (known === undefined) tasks.set(entry.task, taskOf(entry));
      else followTask(known, entry);
    },
    state(entry) {
      switch (entry.entity) {
        case 'snapshot':
          followSnapshot(snapshots, entry);
          return true;
        case 'hot-added-disk':
          followDisk(disks, entry, actors);
          return true;
        case 'token':
          followToken(tokens, entry);
          return true;
        default:
          return false;
      }
    },
    snapshots: (calls) => [...snapshots.values()].map((life) => withMaker(life, calls)),
    hotAdded: (calls) => disks.map((life) => withAdder(life, calls)),
    tokens: (calls) => tokens.filter(({ actor }) => actors.has(actor)).map((life) => withLogin(life, calls)),
  };
}

const ENDED: ReadonlySet<string> = new Set(['finish', 'failure', 'canceled']);

function taskOf(entry: TaskEntry): Growing<TaskLife> {
  const { n, t, task, action, status, server, object, description = '' } = entry;
  const end = ENDED.has(status) ? { n, t } : undefined;
  return { n, t, task, action, status, server, object, description, call: undefined, end };
}

function followTask(task: Growing<TaskLife>, { n, t, status, description }: TaskEntry): void {
  task.status = status;
  task.description = description ?? task.description;
  if (ENDED.has(status)) task.end ??= { n, t };
}

function followSnapshot(all: Map<string, Growing<SnapshotLife>>, entry: State): void {
  const { n, t, id, server = '', detail, to } = entry;
  const known = all.get(id);
  const disks = listOf(detail, 'disks').map((disk) => ({
    id: textOf(disk, 'id') ?? '',
    bytes: numberOf(disk, 'bytes') ?? 0,
    isTracked: textOf(disk, 'cbt') === 'on',
  }));
  const checkpoint = textOf(detail, 'checkpointId') ?? '';
  // Who looks on from outside of the platform learns these later than that the snapshot is there.
  if (known !== undefined && known.checkpoint === '' && checkpoint !== '')
    Object.assign(known, { checkpoint, disks });
  if (known === undefined) {
    const named = { name: textOf(detail, 'name') ?? '', checkpoint };
    const unknown = {
      actor: undefined,
      createdBy: undefined,
      deletedBy: [],
      ready: undefined,
      end: undefined,
    };
    all.set(id, { n, t, id, server, ...named, disks, ...unknown });
  } else if (to === 'normal') known.ready ??= { n, t };
  else if (to === 'deleted') known.end ??= { n, t };
}

/** A snapshot bears the name that its call gave it, also when no answer told its id. */
function withMaker(life: SnapshotLife, calls: readonly Call[]): SnapshotLife {
  const createdBy = calls.findLast(
    ({ n, operation, server, body }) =>
      n < life.n &&
      operation === 'snapshots.create' &&
      server === life.server &&
      textOf(body, 'name') === life.name,
  );
  const deletedBy = calls.filter((call) => doomedBy(call).includes(life.id));
  return { ...life, createdBy, actor: createdBy?.actor, deletedBy };
}

/** Ids of the snapshots that the call deletes. */
function doomedBy(call: Call): readonly string[] {
  if (call.operation === 'snapshots.delete') return [idAfter(call, 'snapshots') ?? ''];
  if (call.operation !== 'snapshots.batch-delete') return [];
  return listOf(call.body, 'snapshot_ids').map(String);
}

function followDisk(all: Growing<HotAddedLife>[], entry: State, actors: ReadonlySet<string>): void {
  const { n, t, id, server: proxy = '', detail, to, why = '' } = entry;
  if (to !== 'attached') {
    const known = all.findLast((disk) => disk.id === id && disk.proxy === proxy && disk.end === undefined);
    if (known === undefined) return;
    known.end = { n, t };
    known.endedWhy = why;
    return;
  }
  all.push({
    n,
    t,
    id,
    proxy,
    actor: [...actors].find((actor) => why === `added by ${actor}`),
    device: textOf(detail, 'device') ?? '',
    slot: textOf(detail, 'slot') ?? '',
    purpose: textOf(detail, 'purpose') ?? '',
    source: textOf(detail, 'source') ?? '',
    resource: textOf(detail, 'resource'),
    snapshot: textOf(detail, 'snapshot'),
    createdBy: undefined,
    deletedBy: [],
    end: undefined,
    endedWhy: '',
  });
}

function withAdder(life: HotAddedLife, calls: readonly Call[]): HotAddedLife {
  const asksFor = (call: Call, kind: HotAddAsked['kind']): boolean => {
    const asked = call.server === life.proxy ? readHotAdd(call.operation, call.body) : undefined;
    return asked?.kind === kind && asked.disks.some(({ disk }) => disk === life.id);
  };
  const createdBy = calls.findLast(
    (call) => call.n < life.n && call.actor === life.actor && asksFor(call, 'add'),
  );
  const endN = life.end?.n ?? Number.POSITIVE_INFINITY;
  const deletedBy = calls.filter((call) => call.n > life.n && call.n < endN && asksFor(call, 'remove'));
  return { ...life, createdBy, deletedBy };
}

function followToken(all: Growing<TokenLife>[], { n, t, id, to, why = '' }: State): void {
  if (to === 'valid') {
    const unknown = { login: undefined, expiresAt: undefined, end: undefined, endedWhy: '' };
    all.push({ n, t, id, actor: why, ...unknown });
    return;
  }
  const known = all.find((token) => token.id === id);
  if (known === undefined) return;
  known.end = { n, t };
  known.endedWhy = why;
}

function withLogin(life: TokenLife, calls: readonly Call[]): TokenLife {
  const login = calls.findLast(
    ({ n, operation, actor }) => n < life.n && operation.startsWith('authenticate') && actor === life.actor,
  );
  const expiresAt = parseInstant(textOf(login?.reply?.data, 'access', 'token', 'expires'));
  return { ...life, login, expiresAt };
}

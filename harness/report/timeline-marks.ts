/** What an entry of the journal is in a timeline: a short text in a lane, or nothing. */
import type { JournalEntry } from '../../src/kernel/journal.ts';

export interface Lane {
  readonly key: string;
  readonly title: string;
  /** Its share of the line. */
  readonly weight: number;
}

/** Who is in the picture. Ids that are not in `names` are cut to eight characters. */
export interface Cast {
  readonly lanes: readonly Lane[];
  /** The instant that the timeline counts from. */
  readonly startMs: number;
  /** Lane of the actor to whom a server or a disk belongs, by its id. */
  readonly owners: ReadonlyMap<string, string>;
  /** Short names of servers and disks, by id. */
  readonly names: ReadonlyMap<string, string>;
}

export interface Mark {
  readonly n: number;
  readonly t: number;
  readonly lane: string;
  readonly text: string;
  /** `fault`: somebody broke something on purpose. `bad`: something was refused, failed or was lost. */
  readonly tone?: 'bad' | 'fault';
  /** Marks that follow each other and count the same are added up. */
  readonly counts?: string;
  /** Something goes on in this lane from here ... */
  readonly begins?: string;
  /** ... and these have come to their end. */
  readonly ends?: readonly string[];
}

/** Lanes for what is nobody's call. */
export const COMMON_LANES = {
  engine: { key: 'engine', title: 'engine', weight: 3 },
  other: { key: 'other', title: 'other calls', weight: 2 },
  nbd: { key: 'nbd', title: 'NBD', weight: 3 },
  tasks: { key: 'tasks', title: 'tasks', weight: 4 },
  guests: { key: 'guests', title: 'guests of proxies', weight: 4 },
  locks: { key: 'locks', title: 'locks', weight: 2 },
} as const satisfies Readonly<Record<string, Lane>>;

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

export function markOf(entry: JournalEntry, cast: Cast): readonly Mark[] {
  switch (entry.type) {
    case 'rest.request':
      return requestMarks(entry, cast);
    case 'rest.reply':
      return replyMarks(entry);
    case 'task':
      return taskMarks(entry, cast);
    case 'state':
      return stateMarks(entry, cast);
    case 'guest.device':
      return deviceMarks(entry, cast);
    case 'guest.io':
      return ioMarks(entry, cast);
    case 'nbd.open':
      return [{ ...at(entry), lane: 'nbd', text: `connection ${entry.connection} opens` }];
    case 'nbd.reply':
      return nbdMarks(entry);
    case 'nbd.close':
      return [{ ...at(entry), lane: 'nbd', text: `connection ${entry.connection} ends: ${entry.why}` }];
    case 'fault.fired':
      return [{ ...at(entry), lane: 'other', text: `fault ${entry.kind}` }];
    case 'job':
      return jobMarks(entry, cast);
    case 'compared':
      return [{ ...at(entry), lane: laneOfJob(entry, cast), text: comparedText(entry) }];
    default:
      return [];
  }
}

/** A job goes on in the lane of its server's actor, or in that of the engines, from its beginning to its end. */
function jobMarks(entry: Entry<'job'>, cast: Cast): readonly Mark[] {
  const key = `job ${entry.job}`;
  const who = entry.engine === 'first' ? '' : `${entry.engine}: `;
  const of = entry.server === undefined ? '' : ` of ${nameOf(entry.server, cast)}`;
  const what = `${who}${entry.operation}${of}`;
  const lane = laneOfJob(entry, cast);
  if (entry.phase === 'begins') return [{ ...at(entry), lane, text: `${what} begins`, begins: key }];
  const mode = entry.mode === undefined ? '' : ` (${entry.mode})`;
  const error = entry.error === undefined ? '' : `: ${entry.error}`;
  return [{ ...at(entry), lane, text: `${what} ${ENDS[entry.phase]}${mode}${error}`, ends: [key] }];
}

function laneOfJob({ server }: { readonly server?: string }, cast: Cast): string {
  return cast.owners.get(server ?? '') ?? COMMON_LANES.engine.key;
}

const ENDS = { succeeds: 'succeeds', fails: 'FAILS', killed: 'is killed' } as const;

function comparedText({ what, bytes, differences }: Entry<'compared'>): string {
  return differences === 0 ? `${what} right, ${bytes} bytes` : `${what} WRONG, ${differences} bytes`;
}

/** Calls that change something; a refusal of one that does not is told by its reply. */
function requestMarks(entry: Entry<'rest.request'>, cast: Cast): readonly Mark[] {
  if (entry.method === 'GET' || entry.operation.startsWith('login')) return [];
  return [{ ...at(entry), lane: laneOf(entry, cast), text: verbOf(entry.operation) }];
}

/** Of the actor whose server or disk the call names. */
function laneOf({ path, body, query }: Entry<'rest.request'>, cast: Cast): string {
  const words = [...path.split('/'), ...wordsIn(body), ...wordsIn(query)];
  return words.flatMap((word) => cast.owners.get(word) ?? []).at(-1) ?? 'other';
}

/** The cast, which knows also whose tasks are whose: an answer names the task that its call began. */
export function withTasks(journal: readonly JournalEntry[], cast: Cast): Cast {
  const calls = new Map<number, string>();
  const owners = new Map(cast.owners);
  for (const entry of journal) {
    if (entry.type === 'rest.request') calls.set(entry.call, laneOf(entry, cast));
    if (entry.type !== 'rest.reply') continue;
    const lane = calls.get(entry.call) ?? 'other';
    if (lane === 'other') continue;
    const made = wordsIn(entry.data).filter((word) => !owners.has(word) && !cast.names.has(word));
    for (const id of made) owners.set(id, lane);
  }
  return { ...cast, owners };
}

function replyMarks(entry: Entry<'rest.reply'>): readonly Mark[] {
  if (entry.isLost === true)
    return [{ ...at(entry), lane: 'other', text: `answer lost: ${entry.operation}` }];
  if (entry.status < 400 || entry.status === 401) return [];
  return [
    { ...at(entry), lane: 'other', text: `${entry.status} ${verbOf(entry.operation)}: ${entry.message}` },
  ];
}

const ENDED: ReadonlySet<string> = new Set(['finish', 'failure', 'canceled']);

function taskMarks(entry: Entry<'task'>, cast: Cast): readonly Mark[] {
  const key = `task ${entry.task}`;
  const owner = cast.owners.get(entry.task) ?? cast.owners.get(entry.server ?? '');
  const what = `${owner === undefined ? '' : `${owner}: `}${verbOf(entry.action)} ${subjectOf(entry, cast)}`;
  if (entry.status === 'waiting')
    return [{ ...at(entry), lane: 'tasks', text: `${what} begins`, begins: key }];
  if (!ENDED.has(entry.status)) return [];
  const end = entry.status === 'finish' ? `${what} done` : `${what} FAILS: ${entry.description ?? ''}`;
  return [{ ...at(entry), lane: 'tasks', text: end, ends: [key] }];
}

function subjectOf(entry: Entry<'task'>, cast: Cast): string {
  return (
    cast.names.get(entry.object ?? '') ?? cast.names.get(entry.server ?? '') ?? short(entry.object ?? '')
  );
}

const HELD: ReadonlySet<string> = new Set(['pending', 'running']);

function stateMarks(entry: Entry<'state'>, cast: Cast): readonly Mark[] {
  const name = nameOf(entry.server ?? entry.id, cast);
  const key = `${entry.entity} ${entry.id}`;
  const why = entry.why === undefined ? '' : ` (${entry.why})`;
  if (entry.entity === 'backup-resource') {
    const isHeld = HELD.has(entry.to);
    if (isHeld && entry.from !== undefined) return [];
    const mark = { ...at(entry), lane: 'locks', text: isHeld ? `${name} held` : `${name} ${entry.to}` };
    return [isHeld ? { ...mark, begins: key } : { ...mark, ends: [key] }];
  }
  if (entry.entity !== 'hot-added-disk') return [];
  const isAttached = entry.from === undefined;
  const text = `${nameOf(entry.id.split('/').at(-1) ?? entry.id, cast)} ${isAttached ? 'attached' : `off${why}`}`;
  const mark = { ...at(entry), lane: 'guests', text };
  return [isAttached ? { ...mark, begins: key } : { ...mark, ends: [key] }];
}

function deviceMarks(entry: Entry<'guest.device'>, cast: Cast): readonly Mark[] {
  const text = `${entry.device} ${entry.change}: ${nameOf(entry.disk, cast)}`;
  return [{ ...at(entry), lane: 'guests', text }];
}

function ioMarks(entry: Entry<'guest.io'>, cast: Cast): readonly Mark[] {
  const result = entry.error === 0 ? '' : ` error ${entry.error}`;
  const what = `${nameOf(entry.disk, cast)} ${entry.command.toLowerCase()}${result}`;
  return [{ ...at(entry), lane: 'guests', text: what, counts: what }];
}

/** Answers of one connection are added up; a refused request stands alone. */
function nbdMarks(entry: Entry<'nbd.reply'>): readonly Mark[] {
  if (entry.error !== 0)
    return [{ ...at(entry), lane: 'nbd', text: `connection ${entry.connection} error ${entry.error}` }];
  const what = `connection ${entry.connection} answers`;
  return [{ ...at(entry), lane: 'nbd', text: what, counts: what }];
}

/** Shorter than the names of operations and tasks, and the racing calls in capitals. */
function verbOf(operation: string): string {
  return VERBS[operation] ?? operation;
}

const VERBS: Readonly<Record<string, string>> = {
  'hot-add.add': 'ADD',
  'hot-add.remove': 'REMOVE',
  'hci.hot-add.add': 'ADD',
  'hci.hot-add.remove': 'REMOVE',
  'hotadd.add': 'add',
  'hotadd.remove': 'remove',
  'servers.start': 'POWER ON',
  'servers.stop': 'POWER OFF',
  start: 'power on',
  stop: 'power off',
  'snapshots.create': 'snapshot',
  'snapshots.delete': 'drop snapshot',
  'snapshot.create': 'snapshot',
  'snapshot.delete': 'drop snapshot',
  'backup-resources.create': 'lock',
  'backup-resources.renew': 'renew',
  'backup-resources.delete': 'unlock',
  'backup-resource.create': 'lock',
  'backup-resource.renew': 'renew',
  'backup-resource.delete': 'unlock',
};

function at({ n, t }: JournalEntry): { readonly n: number; readonly t: number } {
  return { n, t };
}

function nameOf(id: string, cast: Cast): string {
  return cast.names.get(id) ?? short(id);
}

function short(id: string): string {
  return id.slice(0, 8);
}

/** All texts in a piece of JSON, however deep. */
function wordsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(wordsIn);
}

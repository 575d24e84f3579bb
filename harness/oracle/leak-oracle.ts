/**
 * Verifies that a run left nothing behind and took nothing that was not its own: no snapshot, running backup
 * resource, hot-added disk, unfinished task or NBD connection that was not there before or made by the operator, and
 * everything foreign still there and in the power state it had; a proxy VM that the engine started is off again. Looks at the world before and after and at the journal, all as
 * plain data. It does not judge what lies in the repository.
 */
import type { JournalEntry } from '../../src/kernel/journal.ts';

export interface WorldState {
  readonly servers: readonly { readonly id: string; readonly name: string; readonly status: string }[];
  readonly snapshots: readonly { readonly id: string; readonly name: string; readonly server: string }[];
  /** Those that hold their server: pending or running. */
  readonly resources: readonly { readonly id: string; readonly server: string; readonly status: string }[];
  /** Those that have not ended. */
  readonly tasks: readonly { readonly id: string; readonly action: string }[];
  /** Disks that are attached to proxies; `id` is `proxy/disk`. */
  readonly hotAddedDisks: readonly {
    readonly id: string;
    readonly disk: string;
    readonly proxy: string;
    readonly slot: string;
  }[];
}

export type LeftoverKind =
  | 'server'
  | 'snapshot'
  | 'backup-resource'
  | 'hot-added-disk'
  | 'task'
  | 'connection';

/** What others than the judged engine did. */
export interface OperatorDeeds {
  /** Ids of what the operator made ... */
  readonly made: ReadonlySet<string>;
  /** ... and of what the operator removed. */
  readonly removed: ReadonlySet<string>;
  /** Servers whose power state anybody but the platform was free to change: started, stopped, restored. */
  readonly powered: ReadonlySet<string>;
}

export interface LeakQuestion {
  readonly before: WorldState;
  readonly after: WorldState;
  readonly journal: readonly JournalEntry[];
  readonly operator: OperatorDeeds;
  /** Kinds that are meant to stay in this story. */
  readonly allowed: readonly LeftoverKind[];
}

export interface Leak {
  readonly kind: LeftoverKind;
  readonly id: string;
  readonly what: string;
  /** Positions in the journal that speak of it, at most five. */
  readonly evidence: readonly number[];
}

export function findLeaks(question: LeakQuestion): readonly Leak[] {
  return [...leftovers(question), ...foreignRemoved(question), ...powerChanges(question)];
}

function leftovers({ before, after, journal, operator, allowed }: LeakQuestion): Leak[] {
  const known = new Set([...ids(before), ...operator.made]);
  const left = (kind: LeftoverKind, id: string, what: string): Leak[] =>
    known.has(id) || allowed.includes(kind) ? [] : [{ kind, id, what, evidence: evidenceOf(journal, id) }];
  return [
    ...after.servers.flatMap((s) => left('server', s.id, `server ${s.name} was left`)),
    ...after.snapshots.flatMap((s) => left('snapshot', s.id, `snapshot ${s.name} was left`)),
    ...after.resources.flatMap((r) =>
      left('backup-resource', r.id, `backup resource was left ${r.status} on server ${r.server}`),
    ),
    ...after.hotAddedDisks.flatMap(({ id, disk, proxy, slot }) =>
      left('hot-added-disk', id, `disk ${disk} was left attached to ${proxy} as ${slot}`),
    ),
    ...after.tasks.flatMap((t) => left('task', t.id, `task ${t.action} was left unfinished`)),
    ...openConnections(journal).flatMap(({ id, n }) =>
      allowed.includes('connection')
        ? []
        : [
            {
              kind: 'connection' as const,
              id: String(id),
              what: 'NBD connection was left open',
              evidence: [n],
            },
          ],
    ),
  ];
}

function foreignRemoved({ before, after, journal, operator }: LeakQuestion): Leak[] {
  const present = new Set(ids(after));
  const owned = [
    ...before.servers.map((s) => ({ kind: 'server' as const, id: s.id })),
    ...before.snapshots.map((s) => ({ kind: 'snapshot' as const, id: s.id })),
    ...before.hotAddedDisks.map(({ id }) => ({ kind: 'hot-added-disk' as const, id })),
    ...[...operator.made].map((id) => ({
      kind: id.includes('/') ? ('hot-added-disk' as const) : ('snapshot' as const),
      id,
    })),
  ];
  return owned
    .filter(({ id }) => !present.has(id) && !operator.removed.has(id) && !cameToNothing(journal, id))
    .map(({ kind, id }) => ({
      kind,
      id,
      what: `foreign ${kind} was removed`,
      evidence: evidenceOf(journal, id),
    }));
}

/** What an operator asked for and the platform took back while it was being made was never anybody's. */
function cameToNothing(journal: readonly JournalEntry[], id: string): boolean {
  return journal.some(
    (entry) =>
      entry.type === 'state' && entry.id === id && entry.from === 'creating' && entry.to === 'deleted',
  );
}

function powerChanges({ before, after, journal, operator }: LeakQuestion): Leak[] {
  const now = new Map(after.servers.map((s) => [s.id, s.status]));
  return before.servers
    .filter(({ id, status }) => !operator.powered.has(id) && now.has(id) && now.get(id) !== status)
    .filter(({ id }) => now.get(id) !== 'stopped' || !hasCrashed(journal, id))
    .map(({ id, name, status }) => ({
      kind: 'server' as const,
      id,
      what: `server ${name} was ${status} and is ${now.get(id)}`,
      evidence: evidenceOf(journal, id),
    }));
}

/**
 * A server that went off by itself is the platform's loss, and its owner's to start again. Whoever finds it off, starts
 * it and powers it off behind himself leaves it as he found it.
 */
function hasCrashed(journal: readonly JournalEntry[], id: string): boolean {
  return journal.some(
    (entry) =>
      entry.type === 'state' && entry.entity === 'server' && entry.id === id && entry.why === 'it crashed',
  );
}

function openConnections(journal: readonly JournalEntry[]): readonly { id: number; n: number }[] {
  const open = new Map<number, number>();
  for (const entry of journal) {
    if (entry.type === 'nbd.open') open.set(entry.connection, entry.n);
    else if (entry.type === 'nbd.close') open.delete(entry.connection);
  }
  return [...open].map(([id, n]) => ({ id, n }));
}

function ids(state: WorldState): readonly string[] {
  const { servers, snapshots, resources, tasks, hotAddedDisks } = state;
  return [...servers, ...snapshots, ...resources, ...tasks, ...hotAddedDisks].map(({ id }) => id);
}

function evidenceOf(journal: readonly JournalEntry[], id: string): readonly number[] {
  return journal
    .filter(
      (entry) =>
        (entry.type === 'state' && entry.id === id) || (entry.type === 'task' && entry.object === id),
    )
    .slice(-5)
    .map((entry) => entry.n);
}

/** Backup resources: who made them, when they were renewed, how they ended. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { Call, ResourceLife } from './observation.ts';
import { idAfter } from './read-calls.ts';
import { numberOf, textOf } from './read-json.ts';

type State = Extract<JournalEntry, { type: 'state' }>;
type Growing = Omit<ResourceLife, 'renewals' | 'running' | 'end' | 'endedAs' | 'endedWhy'> & {
  readonly renewals: ResourceLife['renewals'][number][];
  running: ResourceLife['running'];
  end: ResourceLife['end'];
  endedAs: string | undefined;
  endedWhy: string;
};

export interface LockIndex {
  readonly state: (entry: State) => void;
  readonly resources: (calls: readonly Call[]) => readonly ResourceLife[];
}

const HOLDS: ReadonlySet<string> = new Set(['pending', 'running']);

export function createLockIndex(actors: ReadonlySet<string>): LockIndex {
  const known = new Map<string, Growing>();
  return {
    state(entry) {
      const life = known.get(entry.id) ?? begin(entry, actors);
      known.set(entry.id, life);
      follow(life, entry);
    },
    resources: (calls) => withCalls([...known.values()], calls),
  };
}

function begin(entry: State, actors: ReadonlySet<string>): Growing {
  const { n, t, id, server = '', detail } = entry;
  return {
    n,
    t,
    id,
    server,
    actor: [...actors].find((actor) => entry.why === `created by ${actor}`),
    type: textOf(detail, 'type') === 'restore' ? 'restore' : 'backup',
    host: textOf(detail, 'host'),
    snapshot: textOf(detail, 'snapshot'),
    lockTimeSeconds: numberOf(detail, 'lockTimeSeconds') ?? 0,
    createdBy: undefined,
    deletedBy: [],
    renewedBy: [],
    renewals: [],
    running: undefined,
    end: undefined,
    endedAs: undefined,
    endedWhy: '',
  };
}

function follow(life: Growing, { n, t, from, to, why = '', detail }: State): void {
  if (to === 'running' && from === 'running') {
    const lockTimeSeconds = numberOf(detail, 'lockTimeSeconds') ?? life.lockTimeSeconds;
    life.renewals.push({ n, t, lockTimeSeconds });
  } else if (to === 'running') life.running = { n, t };
  else if (!HOLDS.has(to) && life.end === undefined) {
    life.end = { n, t };
    life.endedAs = to;
    life.endedWhy = why;
  }
}

function withCalls(lives: readonly Growing[], calls: readonly Call[]): readonly ResourceLife[] {
  const about = Map.groupBy(
    calls.filter(({ operation }) => operation.startsWith('backup-resources.')),
    (call) => idAfter(call, 'backup-resources') ?? '',
  );
  const creations = calls.filter(({ operation }) => operation === 'backup-resources.create');
  return lives.map((life) => {
    const own = about.get(life.id) ?? [];
    const createdBy = creations.findLast(
      (call) => call.n < life.n && call.server === life.server && call.actor === life.actor,
    );
    return {
      ...life,
      createdBy,
      renewedBy: own.filter(({ operation }) => operation === 'backup-resources.renew'),
      deletedBy: own.filter(({ operation }) => operation === 'backup-resources.delete'),
    };
  });
}

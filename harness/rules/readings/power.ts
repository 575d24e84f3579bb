/** Whether servers run, as far as the journal tells: from each change also what was before it. */
import type { Observation } from '../observation.ts';
import { once } from './once.ts';

type State = Observation['states'][number];

const POWER: ReadonlySet<string> = new Set([
  'running',
  'stopped',
  'starting',
  'stopping',
  'suspended',
  'deleted',
]);

const changesOf = once(
  (seen: Observation): ReadonlyMap<string, readonly State[]> =>
    Map.groupBy(
      seen.states.filter(({ entity, to }) => entity === 'server' && POWER.has(to)),
      ({ id }) => id,
    ),
);

/** `undefined` where nothing was ever said about it. */
export function powerAt(seen: Observation, server: string, n: number): string | undefined {
  const changes = changesOf(seen).get(server) ?? [];
  return changes.findLast((change) => change.n <= n)?.to ?? changes.find((change) => change.n > n)?.from;
}

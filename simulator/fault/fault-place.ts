/** Where a fault strikes: what its `on` means, and whether its kind can be carried out there. */
import { DEFAULT_SETTINGS } from '../domain/default-settings.ts';
import type { FaultPlace, KindRow } from './kind-row.ts';

export function placeOf(on: string): FaultPlace {
  if (on === 'nbd' || on === 'guest' || on === 'lease') return on;
  return on.startsWith(TASK_PREFIX) ? 'task' : 'rest';
}

const TASK_ACTIONS: readonly string[] = Object.keys(DEFAULT_SETTINGS.taskMs);
const TASK_PREFIX = 'task:';

/** Every place of a task that a fault may name. */
export const TASK_PLACES: readonly string[] = ['*', ...TASK_ACTIONS].map((action) => TASK_PREFIX + action);

/** `*` means every REST operation; other places have to be named, or a lost reply would also mean a lost read. */
export function isAt(on: string, point: string): boolean {
  if (on === point) return true;
  return (on === '*' && placeOf(point) === 'rest') || (on === 'task:*' && placeOf(point) === 'task');
}

export function placeProblems(on: string, { places, operations }: KindRow): string[] {
  const place = placeOf(on);
  if (!places.includes(place)) return [`on: ${whereInstead(places)}, not at "${on}"`];
  if (place === 'task' && !TASK_PLACES.includes(on))
    return [
      `on: no kind of task is called ${on.slice(TASK_PREFIX.length)}; there are ${TASK_ACTIONS.join(', ')}`,
    ];
  if (operations === undefined || place !== 'rest' || on === '*' || operations.includes(on)) return [];
  return [`on: this fault strikes only at ${operations.join(', ')}`];
}

function whereInstead(places: readonly FaultPlace[]): string {
  if (places.length === 1 && places[0] === 'rest') return 'this fault strikes at REST operations only';
  return `this fault strikes only at ${places.map((place) => `"${place}"`).join(', ')}`;
}

/** Where a fault strikes: what its `on` means, and whether its kind can be carried out there. */
import type { FaultPlace, KindRow } from './kind-row.ts';

export function placeOf(on: string): FaultPlace {
  if (on === 'nbd' || on === 'guest' || on === 'lease') return on;
  return on.startsWith('task:') ? 'task' : 'rest';
}

/** `*` means every REST operation; other places have to be named, or a lost reply would also mean a lost read. */
export function isAt(on: string, point: string): boolean {
  return on === point || (on === '*' && placeOf(point) === 'rest');
}

export function placeProblems(on: string, { places, operations }: KindRow): string[] {
  const place = placeOf(on);
  if (!places.includes(place)) return [`on: ${whereInstead(places)}, not at "${on}"`];
  if (operations === undefined || place !== 'rest' || on === '*' || operations.includes(on)) return [];
  return [`on: this fault strikes only at ${operations.join(', ')}`];
}

function whereInstead(places: readonly FaultPlace[]): string {
  if (places.length === 1 && places[0] === 'rest') return 'this fault strikes at REST operations only';
  return `this fault strikes only at ${places.map((place) => `"${place}"`).join(', ')}`;
}

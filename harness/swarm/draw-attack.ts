/** Draws an attack: first the families of faults that the run has at all, then faults of these at points of the run. */
import type { Rng } from '../../src/kernel/rng.ts';
import type { AttackNode } from '../runner/scenario-schema.ts';
import type { AttackRow, Ground } from '../sweep/attack-rows.ts';
import { rowsFor } from '../sweep/fault-table.ts';
import type { Point } from '../sweep/sweep-api.ts';
import { FAMILIES, isOf } from './families.ts';

/** A kind of attack and a point that it fits. */
interface Target {
  readonly point: Point;
  readonly row: AttackRow;
}

/** What a family can do to a run. Equal steps make one group, so that a frequent step is drawn no more than a rare one. */
export interface Chances {
  readonly family: string;
  readonly groups: readonly (readonly Target[])[];
}

export interface DrawnAttack {
  readonly families: readonly string[];
  readonly attack: readonly AttackNode[];
}

export interface DrawOptions {
  readonly chances: readonly Chances[];
  /** How many entries the attack gets. */
  readonly entries: number;
  readonly rng: Rng;
  /** Moves a point to where it is meant to be; it stays where it was when absent. */
  readonly place?: (point: Point, rng: Rng) => Point;
}

/** Families of which nothing fits are left out. */
export function chancesOf(points: readonly Point[], ground: Ground): readonly Chances[] {
  return FAMILIES.map((family) => {
    const groups = new Map<string, Target[]>();
    for (const point of points) {
      for (const row of rowsFor(point, ground)) {
        if (!isOf(family, row.fault) || !row.persistences.includes('once')) continue;
        const key = `${point.kind} ${point.name} ${row.fault}`;
        const group = groups.get(key);
        if (group === undefined) groups.set(key, [{ point, row }]);
        else group.push({ point, row });
      }
    }
    return { family: family.name, groups: [...groups.values()] };
  }).filter(({ groups }) => groups.length > 0);
}

/** @throws RangeError when there are no chances */
export function drawAttack({ chances, entries, rng, place }: DrawOptions): DrawnAttack {
  const families = drawFamilies(chances, rng);
  const attack = Array.from({ length: entries }, (_, at) => {
    const { row, point } = rng.pick(rng.pick(rng.pick(families).groups));
    const placed = place?.(point, rng) ?? point;
    return often(row.attack(placed, 'once', `swarm-${at + 1}`), drawTimes(rng));
  });
  return { families: families.map(({ family }) => family), attack };
}

/** Each with one chance in two; at least one. */
function drawFamilies(chances: readonly Chances[], rng: Rng): readonly Chances[] {
  const drawn = chances.filter(() => rng.int(0, 1) === 1);
  return drawn.length > 0 ? drawn : [rng.pick(chances)];
}

/** Mostly once, sometimes a few times in a row; never for ever, since the rest of the run would be nothing else. */
function drawTimes(rng: Rng): number {
  return rng.pick([1, 1, 1, 1, 2, 3, rng.int(4, 12)]);
}

function often(entry: AttackNode, times: number): AttackNode {
  const { fault, storageFault } = entry;
  if (fault !== undefined) return { fault: { ...fault, times } };
  if (storageFault !== undefined) return { storageFault: { ...storageFault, times } };
  return entry;
}

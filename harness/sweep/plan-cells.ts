/** Every attack at every point: once, and from there on; engines killed; on request pairs of attacks. */
import type { AttackRow, Ground } from './attack-rows.ts';
import { rowsFor } from './fault-table.ts';
import type { Persistence, PlannedCell, Point } from './sweep-api.ts';

export interface PlanOptions {
  readonly ground: Ground;
  /** Names of kinds of attack; all when absent. */
  readonly faults?: readonly string[];
  /** At most so many pairs of attacks besides, spread evenly over all there are. */
  readonly pairs?: number;
}

export function planCells(points: readonly Point[], options: PlanOptions): readonly PlannedCell[] {
  const single = points.flatMap((point) => cellsAt(point, options));
  return options.pairs === undefined ? single : [...single, ...planPairs(single, options.pairs)];
}

function cellsAt(point: Point, { ground, faults }: PlanOptions): PlannedCell[] {
  return rowsFor(point, ground)
    .filter(({ fault }) => faults?.some((name) => isMeant(name, fault)) ?? true)
    .flatMap((row) => row.persistences.map((persistence) => cellOf(point, row, persistence, ground)));
}

/** `refuse` means every `refuse:CODE`. */
export function isMeant(name: string, fault: string): boolean {
  return fault === name || fault.startsWith(`${name}:`);
}

function cellOf(point: Point, row: AttackRow, persistence: Persistence, ground: Ground): PlannedCell {
  return {
    id: `${point.id}/${row.fault}/${persistence}`,
    points: [point],
    fault: row.fault,
    persistence,
    attack: [row.attack(point, persistence, 'attack')],
    ...(row.isBearable?.(point, persistence, ground) === true ? { isBearable: true } : {}),
  };
}

/**
 * Two attacks that each come once, the second at a later point. Only the first of equal steps: the tenth poll of a task
 * differs from the second in nothing.
 */
function planPairs(single: readonly PlannedCell[], atMost: number): readonly PlannedCell[] {
  const parts = single.filter((cell) => cell.persistence === 'once' && cell.points[0]?.nth === 1);
  const pairs = parts.flatMap((first, at) =>
    parts
      .slice(at + 1)
      .filter((second) => second.points[0] !== first.points[0])
      .map((second) => [first, second] as const),
  );
  const stride = Math.max(1, pairs.length / atMost);
  const count = Math.min(atMost, pairs.length);
  return Array.from({ length: count }, (_, at) => pairs[Math.floor(at * stride)])
    .filter((pair) => pair !== undefined)
    .map(([first, second]) => pairOf(first, second));
}

function pairOf(first: PlannedCell, second: PlannedCell): PlannedCell {
  return {
    id: `${first.id} + ${second.id}`,
    points: [...first.points, ...second.points],
    fault: `${first.fault} + ${second.fault}`,
    persistence: 'once',
    attack: [...first.attack, ...second.attack.map(withOtherId)],
  };
}

function withOtherId(entry: PlannedCell['attack'][number]): PlannedCell['attack'][number] {
  const { fault, storageFault } = entry;
  if (fault !== undefined) return { fault: { ...fault, id: 'attack-2' } };
  if (storageFault !== undefined) return { storageFault: { ...storageFault, id: 'attack-2' } };
  return entry;
}

import type {
  CellOutcome,
  CellResult,
  Persistence,
  Point,
  SweepResult,
} from '../../../harness/sweep/sweep-api.ts';

/** A point of `rest.request`, or of the kind that its id begins with. */
export function point(id: string, atMs = 0): Point {
  const [kind = '', rest = ''] = id.split(/:(.*)/s);
  const [name = '', nth = '1'] = rest.split('#');
  return { id, kind: kind as Point['kind'], name, nth: Number(nth), ordinal: Number(nth), atMs };
}

export function cellResult(
  at: Point,
  fault: string,
  outcome: CellOutcome = 'survived',
  persistence: Persistence = 'once',
): CellResult {
  const id = `${at.id}/${fault}/${persistence}`;
  const attack = [{ kill: { when: { elapsed: '1s' } } }];
  return {
    cell: { id, points: [at], fault, persistence, attack },
    outcome,
    reason: outcome === 'survived' ? '' : `because of ${id}`,
    findings: [],
    journalHash: 'abc',
    virtualMs: 1500,
  };
}

export function sweepResult(points: readonly Point[], cells: readonly CellResult[]): SweepResult {
  return { version: 1, scenario: 'W99-example', engine: 'nbd', seed: '1', points, cells, durationMs: 1 };
}

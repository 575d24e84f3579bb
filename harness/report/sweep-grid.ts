/** A sweep as tables: one per kind of point, points down in order of time, kinds of fault across. */
import type { CellOutcome, CellResult, Point, PointKind, SweepResult } from '../sweep/sweep-api.ts';

/** What came of a fault at a point: struck once, and from there on. */
export interface GridCell {
  readonly once?: CellResult;
  readonly sticky?: CellResult;
}

export interface GridRow {
  readonly point: Point;
  /** One for each of the grid's faults. */
  readonly cells: readonly GridCell[];
}

export interface SweepGrid {
  readonly kind: PointKind;
  readonly faults: readonly string[];
  readonly rows: readonly GridRow[];
}

/** The letter of an outcome wherever a cell is one character wide. */
export const OUTCOME_LETTERS: Readonly<Record<CellOutcome, string>> = {
  survived: '.',
  violation: 'V',
  missed: 'm',
  undetectable: 'u',
  broken: 'B',
};

export const OUTCOMES = ['survived', 'violation', 'missed', 'undetectable', 'broken'] as const;

/** Points at which nothing was tried are left out. */
export function gridsOf({ points, cells }: SweepResult): readonly SweepGrid[] {
  const byPoint = Map.groupBy(cells.filter(isOfOnePoint), ({ cell }) => cell.points[0]?.id ?? '');
  const tried = points.filter(({ id }) => byPoint.has(id));
  return [...Map.groupBy(tried, ({ kind }) => kind)].map(([kind, ofKind]) => {
    const results = ofKind.map(({ id }) => byPoint.get(id) ?? []);
    const faults = [...new Set(results.flatMap((row) => row.map(({ cell }) => cell.fault)))];
    const rows = ofKind.map((point, at) => ({
      point,
      cells: faults.map((fault) => cellOf((results[at] ?? []).filter(({ cell }) => cell.fault === fault))),
    }));
    return { kind, faults, rows };
  });
}

/** Pairs of attacks, and the run without an attack when that was not sound: they have no place in a grid. */
export function besidesGrid({ cells }: SweepResult): readonly CellResult[] {
  return cells.filter((result) => !isOfOnePoint(result));
}

export function resultsOf({ once, sticky }: GridCell): readonly CellResult[] {
  return [once, sticky].filter((result) => result !== undefined);
}

/** Name of a point beside the name of its kind. */
export function shortPointName({ id, kind }: Point): string {
  return id.slice(kind.length + 1);
}

function isOfOnePoint({ cell }: CellResult): boolean {
  return cell.points.length === 1;
}

function cellOf(results: readonly CellResult[]): GridCell {
  const once = results.find(({ cell }) => cell.persistence === 'once');
  const sticky = results.find(({ cell }) => cell.persistence === 'sticky');
  return { ...(once === undefined ? {} : { once }), ...(sticky === undefined ? {} : { sticky }) };
}

/** The cells of a sweep as the page's script reads them: small, and safe inside of a script element. */
import { failureFileName } from '../sweep/failure-file.ts';
import type { CellResult, SweepResult } from '../sweep/sweep-api.ts';
import { describeFinding } from './describe-finding.ts';

export interface PageCell {
  readonly id: string;
  readonly outcome: CellResult['outcome'];
  readonly persistence: CellResult['cell']['persistence'];
  /** Kind of its first point. */
  readonly kind: string;
  readonly fault: string;
  readonly reason: string;
  readonly findings: string;
  readonly attack: string;
  readonly journal: string;
  readonly virtualMs: number;
  readonly detectedBy?: string;
  /** Of failing cells, which are files: from the page's folder, and the command that repeats it. */
  readonly file?: string;
  readonly command?: string;
  readonly timeline?: string;
}

export interface PageOptions {
  /** The report folder as a command names it. */
  readonly folder: string;
  /** Timeline of a cell's run, where there is one. */
  readonly timelineOf: (sweep: SweepResult, result: CellResult) => string | undefined;
}

export function pageCellOf(sweep: SweepResult, result: CellResult, options: PageOptions): PageCell {
  const { cell, outcome, reason, findings, journalHash, virtualMs, detectedBy } = result;
  const timeline = options.timelineOf(sweep, result);
  return {
    id: cell.id,
    outcome,
    persistence: cell.persistence,
    kind: cell.points[0]?.kind ?? '',
    fault: cell.fault,
    reason,
    findings: findings.map(describeFinding).join('\n\n'),
    attack: cell.attack.map((entry) => JSON.stringify(entry)).join('\n'),
    journal: journalHash,
    virtualMs,
    ...(detectedBy === undefined ? {} : { detectedBy }),
    ...fileOf(sweep, result, options.folder),
    ...(timeline === undefined ? {} : { timeline }),
  };
}

function fileOf(
  { scenario, engine }: SweepResult,
  { cell, outcome }: CellResult,
  folder: string,
): Pick<PageCell, 'file' | 'command'> {
  if (outcome !== 'violation' && outcome !== 'broken') return {};
  const file = `failures/${failureFileName(scenario, engine, cell.id)}`;
  return { file, command: `backlot replay ${folder === '' ? '' : `${folder}/`}${file}` };
}

/** JSON in which nothing can end the script element or begin a comment in it. */
export function scriptSafeJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

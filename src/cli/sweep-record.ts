/** Where a sweep puts its results as they come, so that one that was cut short can go on. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { failureFile } from '../../harness/sweep/failure-file.ts';
import type { CellResult, SweepResult } from '../../harness/sweep/sweep-api.ts';
import { isTrouble } from '../../harness/sweep/totals.ts';
import type { SweepPlan, SweepTask } from '../../harness/sweep/sweep.ts';

export interface SweepRecord {
  /** Results of an earlier sweep of the same plan. */
  readonly known: ReadonlyMap<string, CellResult>;
  add(result: CellResult): void;
}

/** Without `resume` an earlier record is overwritten; one of another scenario, seed or engine always is. */
export function openRecord(folder: string, plan: SweepPlan, resume: boolean): SweepRecord {
  const { task } = plan;
  const failures = join(folder, 'failures');
  mkdirSync(failures, { recursive: true });
  const file = join(folder, `${nameOf(task)}.cells.ndjson`);
  const head = JSON.stringify({ version: 1, plan: digestOf(plan) });
  const known = resume ? readKnown(file, head) : new Map<string, CellResult>();
  // Written anew without a line that was cut off.
  writeFileSync(file, [head, ...Array.from(known.values(), (one) => JSON.stringify(one)), ''].join('\n'));
  return {
    known,
    add(result) {
      appendFileSync(file, `${JSON.stringify(result)}\n`);
      if (!isTrouble(result)) return;
      const { name, text } = failureFile(task, result);
      writeFileSync(join(failures, name), text);
    },
  };
}

/** `sweep.json`: everything, for whoever draws pictures of it. */
export function writeResults(folder: string, results: readonly SweepResult[]): string {
  const file = join(folder, 'sweep.json');
  writeFileSync(file, `${JSON.stringify({ version: 1, results })}\n`);
  return file;
}

function nameOf({ scenario, transport, mutant }: SweepTask): string {
  return [scenario.id, transport, ...(mutant === undefined ? [] : [mutant])].join('.');
}

/** Two plans are the same when nothing that decides a cell differs. */
function digestOf({ task, points }: SweepPlan): string {
  return createHash('sha256').update(JSON.stringify({ task, points })).digest('hex');
}

/** The last line may have been cut off with the process that wrote it. */
function readKnown(file: string, head: string): Map<string, CellResult> {
  if (!existsSync(file)) return new Map();
  const [first, ...lines] = readFileSync(file, 'utf8').split('\n');
  if (first !== head) return new Map();
  const results = lines.flatMap(parseLine);
  return new Map(results.map((result) => [result.cell.id, result]));
}

function parseLine(line: string): readonly CellResult[] {
  try {
    return line === '' ? [] : [JSON.parse(line) as CellResult];
  } catch {
    return [];
  }
}

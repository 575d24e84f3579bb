/** How many runs a second a sweep makes: every kind of attack at every step of the smallest full backup. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SweepResult } from '../../../harness/sweep/sweep-api.ts';
import { start } from './child.ts';
import { type BenchArea, median } from './measure.ts';
import { MAIN } from './serve-child.ts';

const SCENARIO = 'W01';
const MOST_THREADS = 4;
const TARGET_PER_CORE = 100;

export const benchSweep: BenchArea = async ({ rounds, note }) => {
  const threads = Math.min(MOST_THREADS, availableParallelism());
  const sweeps: { cells: number; seconds: number }[] = [];
  note(`sweeping ${SCENARIO} on ${threads} threads`);
  for (let round = 0; round < rounds; round++) sweeps.push(await sweepOnce(threads));
  const perCore = median(sweeps.map(({ cells, seconds }) => cells / seconds / threads));
  const what = { area: 'sweep', rounds } as const;
  return [
    {
      ...what,
      name: `runs per second and core, ${SCENARIO} (nbd)`,
      unit: '/s',
      better: 'higher',
      value: perCore,
      target: `>= ${TARGET_PER_CORE}`,
      isReached: perCore >= TARGET_PER_CORE,
    },
    {
      ...what,
      name: `${SCENARIO}, ${sweeps[0]?.cells ?? 0} cells on ${threads} threads`,
      unit: 's',
      better: 'lower',
      value: median(sweeps.map(({ seconds }) => seconds)),
    },
  ];
};

/** What it finds does not matter here: a violation is a run like any other. @throws Error when there is no result */
async function sweepOnce(threads: number): Promise<{ cells: number; seconds: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  try {
    const args = [MAIN, 'sweep', SCENARIO, '--json', '--jobs', String(threads), '--report', folder];
    await using running = start(process.execPath, args);
    running.process.stdout?.resume();
    await once(running.process, 'close');
    const [result] = readResults(join(folder, 'sweep.json'));
    if (result === undefined || result.cells.length === 0) throw new Error(`${SCENARIO} was not swept`);
    return { cells: result.cells.length, seconds: result.durationMs / 1000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResults(file: string): readonly SweepResult[] {
  const { results } = JSON.parse(readFileSync(file, 'utf8')) as { results: readonly SweepResult[] };
  return results;
}

/** How many scenario runs a second the harness does in process. */
import { runTimed } from './child.ts';
import { type BenchArea, median } from './measure.ts';
import { MAIN } from './serve-child.ts';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const benchScenarios: BenchArea = async ({ rounds, note }) => {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  note('running all scenarios');
  const perSecond: number[] = [];
  const wholeRuns: number[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const ms = await runTimed(process.execPath, [MAIN, 'run', '--json', '--report', folder]);
      const { results, durationMs } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as {
        results: unknown[];
        durationMs: number;
      };
      perSecond.push(results.length / (durationMs / 1000));
      wholeRuns.push(ms / 1000);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const whole = median(wholeRuns);
  return [
    {
      area: 'scenarios',
      name: 'scenarios judged per second (each runs twice)',
      unit: '/s',
      better: 'higher',
      value: median(perSecond),
      rounds,
    },
    {
      area: 'scenarios',
      name: 'all scenarios, all engines, whole process',
      unit: 's',
      better: 'lower',
      value: whole,
      rounds,
      target: '< 20',
      isReached: whole < 20,
    },
  ];
};

/** How many scenario runs a second the harness does in process; those of one engine alone tell what a sweep costs. */
import { runTimed } from './child.ts';
import { type BenchArea, type BenchResult, median } from './measure.ts';
import { MAIN } from './serve-child.ts';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Played {
  readonly engine: string;
  readonly outcome: string;
  /** Of both runs. */
  readonly durationMs: number;
}

export const benchScenarios: BenchArea = async ({ rounds, note }) => {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  note('running all scenarios');
  const perSecond: number[] = [];
  const wholeRuns: number[] = [];
  const engines = new Map<string, number[]>();
  try {
    for (let round = 0; round < rounds; round++) {
      const ms = await runTimed(process.execPath, [MAIN, 'run', '--json', '--report', folder]);
      const { results, durationMs } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as {
        results: Played[];
        durationMs: number;
      };
      const played = results.filter(({ outcome }) => outcome !== 'skipped');
      perSecond.push(played.length / (durationMs / 1000));
      for (const [engine, rate] of runsPerSecond(played))
        engines.set(engine, [...(engines.get(engine) ?? []), rate]);
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
      target: '< 25',
      isReached: whole < 25,
    },
    ...Array.from(
      engines,
      ([engine, rates]): BenchResult => ({
        area: 'scenarios',
        name: `runs per second and core, ${engine}`,
        unit: '/s',
        better: 'higher',
        value: median(rates),
        rounds,
      }),
    ),
  ];
};

/** By engine. A scenario is played on one core, twice. */
function runsPerSecond(played: readonly Played[]): Map<string, number> {
  const byEngine = Map.groupBy(played, ({ engine }) => engine);
  return new Map(
    Array.from(byEngine, ([engine, results]) => {
      const ms = results.reduce((total, { durationMs }) => total + durationMs, 0);
      return [engine, (2 * results.length) / (ms / 1000)];
    }),
  );
}

/** `backlot mutants --sweep`: each classic mistake on its hunting ground. */
import type { HuntingGround } from '../../harness/mutants/hunting-grounds.ts';
import { describeHunt, type HuntReport, renderHunt } from '../../harness/report/hunt-report.ts';
import { hunt } from '../../harness/sweep/hunt.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { seamsOfMutant } from './mutant-seams.ts';
import { sweepScenarios } from './scenario-folder.ts';
import { openSweepLanes } from './sweep-lanes.ts';

interface HuntFlags {
  readonly grounds: readonly HuntingGround[];
  readonly seed: string;
  readonly jobs: number;
  readonly isQuick: boolean;
  readonly isJson: boolean;
}

/** Whether every mutant was found out. */
export async function huntMutants({ grounds, seed, jobs, isQuick, isJson }: HuntFlags): Promise<boolean> {
  await using simulator = await createSimulator();
  await using open = openSweepLanes(jobs, simulator);
  const scenarios = new Map(sweepScenarios().map((scenario) => [scenario.id, scenario]));
  const stopwatch = (): number => performance.now();
  const begun = stopwatch();
  const reports: HuntReport[] = [];
  for (const ground of grounds) {
    const scenario = scenarios.get(ground.scenario);
    if (scenario === undefined)
      throw new Error(`${ground.mutant} is hunted in no scenario ${ground.scenario}`);
    const task = {
      scenario,
      transport: scenario.engines?.[0] ?? 'nbd',
      seed,
      mutant: ground.mutant,
    } as const;
    const seams = seamsOfMutant(ground.mutant);
    const hunted = await hunt({ simulator, task, seams, faults: ground.faults, ...open, stopwatch, isQuick });
    const report = describeHunt(ground, task.transport, hunted);
    reports.push(report);
    if (!isJson) process.stdout.write(renderHunt(report));
  }
  const found = reports.filter(({ caughtBy }) => caughtBy.length > 0).length;
  const runs = reports.reduce((sum, report) => sum + report.runs, 0);
  const seconds = ((stopwatch() - begun) / 1000).toFixed(1);
  process.stdout.write(
    isJson
      ? `${JSON.stringify({ mutants: reports })}\n`
      : `\n${found} of ${reports.length} mutants found out, ${runs} runs in ${seconds} s\n`,
  );
  return found === reports.length;
}

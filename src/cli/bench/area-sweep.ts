/** How many runs a second a sweep makes: every kind of attack at every step of the smallest full backup. */
import { availableParallelism } from 'node:os';
import { planSweep, sweep } from '../../../harness/sweep/sweep.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import { sweepScenarios } from '../scenario-folder.ts';
import { openSweepLanes } from '../sweep-lanes.ts';
import { type BenchArea, median } from './measure.ts';

const SCENARIO = 'W01';
const MOST_THREADS = 4;
const TARGET_PER_CORE = 100;

interface Swept {
  readonly cells: number;
  readonly seconds: number;
  /** Of all threads, the collector's and the compiler's too. */
  readonly processorSeconds: number;
}

export const benchSweep: BenchArea = async ({ rounds, note }) => {
  const threads = Math.min(MOST_THREADS, availableParallelism());
  note(`sweeping ${SCENARIO} on ${threads} threads`);
  const sweeps = await sweepOften(threads, rounds);
  const perCore = median(sweeps.map(({ cells, seconds }) => cells / seconds / threads));
  const what = { area: 'sweep', rounds } as const;
  return [
    {
      ...what,
      name: `runs per second and core, ${SCENARIO}`,
      unit: '/s',
      better: 'higher',
      value: perCore,
      target: `>= ${TARGET_PER_CORE}`,
      isReached: perCore >= TARGET_PER_CORE,
    },
    {
      ...what,
      // What other programs take of the machine does not show here.
      name: `runs per second of processor time, ${SCENARIO}`,
      unit: '/s',
      better: 'higher',
      value: median(sweeps.map(({ cells, processorSeconds }) => cells / processorSeconds)),
    },
    {
      ...what,
      name: `${SCENARIO}: ${sweeps[0]?.cells ?? 0} cells on ${threads} threads`,
      unit: 's',
      better: 'lower',
      value: median(sweeps.map(({ seconds }) => seconds)),
    },
  ];
};

/** One sweep to get warm, then as many as there are rounds. What they find does not matter here. */
async function sweepOften(threads: number, rounds: number): Promise<readonly Swept[]> {
  const scenario = sweepScenarios().find(({ id }) => id.startsWith(SCENARIO));
  if (scenario === undefined) throw new Error(`there is no scenario ${SCENARIO}`);
  await using simulator = await createSimulator();
  await using open = openSweepLanes(threads, simulator);
  const plan = await planSweep(simulator, { scenario, transport: 'nbd', seed: '1' }, {});
  const swept: Swept[] = [];
  for (let round = -1; round < rounds; round++) {
    const before = process.cpuUsage();
    const { cells, durationMs } = await sweep({
      plan,
      lanes: open.lanes,
      stopwatch: () => performance.now(),
    });
    const { user, system } = process.cpuUsage(before);
    const result = {
      cells: cells.length,
      seconds: durationMs / 1000,
      processorSeconds: (user + system) / 1e6,
    };
    if (round >= 0) swept.push(result);
  }
  return swept;
}

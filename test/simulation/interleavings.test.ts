import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { followSchedule } from '../../harness/explore/chooser.ts';
import { everySchedule } from '../../harness/explore/every-schedule.ts';
import { type Exploration, explore, playUnder } from '../../harness/explore/explore.ts';
import type { StageOptions } from '../../harness/explore/play-schedule.ts';
import { limitsOf, type Race, RACES } from '../../harness/explore/races.ts';
import { parseSchedule } from '../../harness/explore/schedule.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';

const scenarios = loadScenarios('scenarios');

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
});

function raceCalled(id: string): Race {
  const race = RACES.find((known) => known.id === id);
  if (race === undefined) throw new Error(`no race is called ${id}`);
  return race;
}

function stageOf({ scenario: wanted, held, hasPowerCut }: Race, seams?: () => Seams): StageOptions {
  const scenario = scenarios.find(({ id }) => id.startsWith(wanted));
  if (scenario === undefined) throw new Error(`scenario ${wanted} is missing`);
  const options = { simulator, scenario, transport: 'hotadd', seed: '1', held, hasPowerCut } as const;
  return seams === undefined ? options : { ...options, seams };
}

function walk(race: Race): Promise<Exploration> {
  return explore({ ...stageOf(race), choosers: everySchedule(limitsOf(race, false)) });
}

function naive(): () => Seams {
  const mutant = MUTANTS.find(({ id }) => id === 'hotadd-without-queue');
  if (mutant === undefined) throw new Error('the mutant without a queue is missing');
  return mutant.seams;
}

describe('interleavings of HotAdd calls', () => {
  it('of two jobs of one engine are all right, because no two disk tasks ever meet', async () => {
    const explored = await walk(raceCalled('one-engine'));
    expect(explored.failures).toEqual([]);
    expect(explored.runs).toBe(19);
    expect(explored.collisions.size).toBe(0);
    expect(explored.comparedBytes).toBe(19 * 2 * 128 * 1024);
  });

  it('of two engines are all right, and every pair of calls has met in every way', async () => {
    const explored = await walk(raceCalled('two-engines'));
    expect(explored.failures).toEqual([]);
    expect({ runs: explored.runs, schedules: explored.schedules }).toEqual({ runs: 96, schedules: 96 });
    const met = ['add/add', 'add/remove', 'remove/add', 'remove/remove'].flatMap((kind) => [
      kind,
      `${kind}=`,
    ]);
    expect([...explored.collisions.keys()]).toEqual(met);
  });

  it.each(['one-engine-power-cut', 'two-engines-power-cut'])(
    'with a power cut at every moment are all right: %s',
    async (id) => {
      const explored = await walk(raceCalled(id));
      expect(explored.failures).toEqual([]);
      expect(explored.powerCuts).toBeGreaterThanOrEqual(explored.runs * 0.85);
      expect(explored.schedules).toBe(explored.runs);
    },
  );

  it('of two engines that start and power off one proxy are all right', async () => {
    const explored = await walk(raceCalled('two-engines-start'));
    expect(explored.failures).toEqual([]);
    expect(explored.runs).toBeGreaterThan(200);
    expect(explored.longestSchedule).toContain('Aoff=B+');
  });
});

describe('an engine without a queue', () => {
  it('fails in the race error, and its schedule gives the same journal again', async () => {
    const stage = stageOf(raceCalled('one-engine'), naive());
    const choosers = everySchedule(limitsOf({}, false));
    const { failures } = await explore({ ...stage, choosers, onRun: ({ failure }) => failure === undefined });
    const [failed] = failures;
    expect(failed?.failure).toContain('Another disk task is running on the backup proxy');

    const follower = followSchedule(parseSchedule(failed?.schedule ?? ''));
    const again = await playUnder(stage, follower);
    expect(follower.remaining()).toEqual([]);
    expect(again.schedule).toBe(failed?.schedule);
    expect(again.failure).toBe(failed?.failure);
    expect(again.record.journalHash).toBe(failed?.record.journalHash);
  });

  it('is right as long as its calls come one after the other', async () => {
    const stage = stageOf(raceCalled('one-engine'), naive());
    const played = await playUnder(stage, followSchedule(parseSchedule('A./A+/A-/B./B+/B-')));
    expect(played.failure).toBeUndefined();
  });

  it('can play a schedule that an engine with a queue can not', async () => {
    const steps = parseSchedule('A./B./A+=B+');
    const unqueued = followSchedule(steps);
    await playUnder(stageOf(raceCalled('one-engine'), naive()), unqueued);
    expect(unqueued.remaining()).toEqual([]);
    const queued = followSchedule(steps);
    const played = await playUnder(stageOf(raceCalled('one-engine')), queued);
    expect(queued.remaining()).toEqual([{ actor: 'B', act: '+', gap: '=' }]);
    expect(played.schedule).toBe('A./B./A+/B+/A-/B-');
  });
});

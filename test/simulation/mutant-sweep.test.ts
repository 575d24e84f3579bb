import { describe, expect, it } from 'vitest';
import { HUNTING_GROUNDS } from '../../harness/mutants/hunting-grounds.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { describeHunt, renderHunt } from '../../harness/report/hunt-report.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { type Hunted, hunt } from '../../harness/sweep/hunt.ts';
import { createSweepLane } from '../../harness/sweep/lane.ts';
import { createFileSimulator } from './story.ts';

const scenarios = loadScenarios('scenarios/sweep');

const simulator = await createFileSimulator();

function seamsOf(id: string): Seams {
  const mutant = MUTANTS.find((one) => one.id === id);
  if (mutant === undefined) throw new Error(`no mutant is called ${id}`);
  return mutant.seams();
}

interface Where {
  readonly mutant: string;
  readonly scenario: string | Scenario;
  readonly faults: readonly string[];
  readonly seams?: () => Seams;
}

function scenarioOf(id: string): Scenario {
  const scenario = scenarios.find((one) => one.id === id);
  if (scenario === undefined) throw new Error(`no scenario is called ${id}`);
  return scenario;
}

function huntIn({ mutant, faults, seams = () => seamsOf(mutant), ...where }: Where): Promise<Hunted> {
  const scenario = typeof where.scenario === 'string' ? scenarioOf(where.scenario) : where.scenario;
  const transport = scenario.engines?.[0] ?? 'nbd';
  return hunt({
    simulator,
    task: { scenario, transport, seed: '1', mutant },
    seams: seams(),
    faults,
    lanes: [createSweepLane(simulator, seams)],
    stopwatch: () => 0,
    isQuick: true,
  });
}

describe('a sweep with a broken engine', () => {
  it('is there for twelve classic mistakes', () => {
    expect(new Set(HUNTING_GROUNDS.map(({ mutant }) => mutant)).size).toBeGreaterThanOrEqual(12);
    expect(new Set(HUNTING_GROUNDS.map(({ mistake }) => mistake)).size).toBe(HUNTING_GROUNDS.length);
  });

  it.each(HUNTING_GROUNDS)('finds out: $mistake', async (ground) => {
    const hunted = await huntIn(ground);
    expect(hunted.caught).toHaveLength(1);
    // Not by a smooth run, which would need no sweep.
    expect(hunted.caught[0]?.cell.id).not.toBe('clean');
    expect(hunted.caught[0]?.reason).not.toBe('');
  });

  it('finds nothing out about an engine that is sound', async () => {
    const ground = { mutant: 'sound', scenario: 'W01-full', faults: ['cbt-page-cut'], seams: () => ({}) };
    const { caught, runs } = await huntIn(ground);
    expect(caught).toEqual([]);
    const report = describeHunt({ ...ground, mistake: 'none', faults: ['cbt-page-cut'] }, 'nbd', {
      caught,
      points: 1,
      runs,
    });
    expect(renderHunt(report)).toContain(`SURVIVED ${runs} runs of W01-full`);
  });

  it('says so where the engine fails without an attack', async () => {
    const ground = { mutant: 'leaves-its-snapshot', scenario: 'W01-full', faults: ['cbt-page-cut'] as const };
    const hunted = await huntIn(ground);
    expect(hunted.caught.map(({ cell }) => cell.id)).toEqual(['clean']);
    const report = describeHunt({ ...ground, mistake: 'leftovers', faults: ['cbt-page-cut'] }, 'nbd', hunted);
    expect(renderHunt(report)).toContain('in the run without an attack');
  });

  it('counts no cell that the sound engine does not survive either', async () => {
    // Nobody can back up to where there is no room.
    const strict = scenarioOf('W01-full');
    const scenario = { ...strict, expect: { jobs: 'succeed' as const } };
    const { caught, runs } = await huntIn({
      mutant: 'token-never-renewed',
      scenario,
      faults: ['refuse:NO_SPACE'],
    });
    expect(caught).toEqual([]);
    // Each cell failed, and was played again with the sound engine.
    expect(runs).toBe(2 + 2 * 2);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { runMutants } from '../../harness/mutants/run-mutants.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

const scenarios = loadScenarios('scenarios');

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
});

describe('mutants', () => {
  it('are many and have ids of their own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(14);
    expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
  });

  it.each(MUTANTS.map((mutant) => ({ id: mutant.id, mutant })))(
    '$id is found out by every scenario that is named for it',
    async ({ mutant }) => {
      const [verdict] = await runMutants({ simulator, scenarios, mutants: [mutant], seed: 'mutants-2' });
      expect({ ...verdict, killedBy: verdict?.killedBy }).toMatchObject({ killedBy: [...mutant.killers] });
    },
  );

  it('that changes nothing survives', async () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error('no mutants');
    const harmless = { ...mutant, seams: () => ({}) };
    const [verdict] = await runMutants({ simulator, scenarios, mutants: [harmless], seed: '1' });
    expect(verdict?.killedBy).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import type { Mutant } from '../../harness/mutants/mutant.ts';
import { type MutantVerdict, runMutants } from '../../harness/mutants/run-mutants.ts';
import { RULES } from '../../harness/rules/catalogue.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import { createFileSimulator } from './story.ts';

const scenarios = loadScenarios('scenarios');

const simulator = await createFileSimulator();

const verdicts = new Map<string, Promise<MutantVerdict | undefined>>();

/** Each mutant plays once: the rules look at the same runs as the scenarios. */
function verdictOn(mutant: Mutant): Promise<MutantVerdict | undefined> {
  const verdict =
    verdicts.get(mutant.id) ??
    runMutants({ simulator, scenarios, mutants: [mutant], seed: 'mutants-2' }).then(([one]) => one);
  verdicts.set(mutant.id, verdict);
  return verdict;
}

describe('mutants', () => {
  it('are many and have ids of their own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(14);
    expect(new Set(MUTANTS.map(({ id }) => id)).size).toBe(MUTANTS.length);
  });

  it.each(MUTANTS.map((mutant) => ({ id: mutant.id, mutant })))(
    '$id is found out by every scenario that is named for it',
    async ({ mutant }) => {
      expect(await verdictOn(mutant)).toMatchObject({ killedBy: [...mutant.killers] });
    },
  );

  it.each(RULES)('$id is broken by each mutant that is named for it', async (rule) => {
    for (const id of rule.mutants) {
      const mutant = MUTANTS.find((one) => one.id === id);
      if (mutant === undefined) throw new Error(`${rule.id} names mutant ${id}, which does not exist`);
      expect(await verdictOn(mutant)).toMatchObject({ id, rules: expect.arrayContaining([rule.id]) });
    }
  });

  it('that changes nothing survives', async () => {
    const [mutant] = MUTANTS;
    if (mutant === undefined) throw new Error('no mutants');
    const harmless = { ...mutant, seams: () => ({}) };
    const [verdict] = await runMutants({ simulator, scenarios, mutants: [harmless], seed: '1' });
    expect(verdict?.killedBy).toEqual([]);
  });
});

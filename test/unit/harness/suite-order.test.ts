import { expect, it } from 'vitest';
import { drivenCost } from '../../../harness/runner/driven/driven-cost.ts';
import type { ScenarioResult } from '../../../harness/runner/outcome.ts';
import { planSuite, runSuite } from '../../../harness/runner/run-suite.ts';
import { skipScenario } from '../../../harness/runner/run-scenario.ts';
import { loadScenarios } from '../../../harness/runner/load-scenarios.ts';

it('stories that take long are begun first, and reported in their own place', async () => {
  const scenarios = loadScenarios('scenarios').filter(({ id }) => /^S0(01|21|35)/.test(id));
  const begun: string[] = [];
  const results = await runSuite({
    tasks: planSuite(scenarios, ['nbd'], '1'),
    lanes: [
      async ({ scenario, transport }): Promise<ScenarioResult> => {
        begun.push(scenario.id.slice(0, 4));
        return skipScenario({ scenario, transport, guest: undefined }, 'not played');
      },
    ],
    costOf: ({ scenario }) => drivenCost(scenario),
  });
  expect(begun).toEqual(['S021', 'S035', 'S001']);
  expect(results.map(({ scenario }) => scenario.slice(0, 4))).toEqual(['S001', 'S021', 'S035']);
});

it('what comes before an attack takes its time as the attack does', () => {
  const [story] = loadScenarios('scenarios').filter(({ id }) => id.startsWith('S021'));
  if (story === undefined) throw new Error('there is no S021');
  expect(drivenCost({ ...story, prepare: story.steps })).toBe(2 * drivenCost(story));
  expect(drivenCost(story)).toBeGreaterThan(0);
});

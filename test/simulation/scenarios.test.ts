import { describe, expect, it } from 'vitest';
import { RULES } from '../../harness/rules/catalogue.ts';
import { RULE_AREAS, type Rule } from '../../harness/rules/rule-api.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { createLane } from '../../harness/runner/run-suite.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { createFileSimulator } from './story.ts';

const scenarios = loadScenarios('scenarios');
/** Another seed than that of `backlot run`: no expectation may hang on one seed's disks. */
const SEED = 'simulation-2';

const simulator = await createFileSimulator();

const played = new Map<string, Promise<ScenarioResult>>();

/** Each only once: the rules look at the same runs as the scenarios. */
function play(scenario: Scenario, transport: Transport): Promise<ScenarioResult> {
  const key = `${scenario.id} ${transport}`;
  const lane = createLane({ simulator, stopwatch: () => 0 });
  const result = played.get(key) ?? lane({ scenario, transport, seed: SEED });
  played.set(key, result);
  return result;
}

function transportsOf({ engines }: Scenario): readonly Transport[] {
  return (['nbd', 'nbdssl', 'hotadd'] as const).filter((transport) => engines?.includes(transport) ?? true);
}

describe('scenarios', () => {
  it('are many, and tell the stories that they must', () => {
    const told = new Set(scenarios.flatMap(({ stories = [] }) => stories));
    const network = 'F01 F03 F04 F05 F06 F10 F11 F15 F18 F21 F22 F25 F28 F46 F47 F49 F51 F55 F57 F63';
    const hotAdd = 'F07 F30 F31 F32 F33 F34 F35 F36 F37 F38 F39 F40 F41 F42 F43';
    const wanted = `${network} ${hotAdd}`.split(' ');
    expect(scenarios.length).toBeGreaterThanOrEqual(62);
    expect(wanted.filter((story) => !told.has(story))).toEqual([]);
  });

  it.each(
    scenarios.flatMap((scenario) =>
      transportsOf(scenario).map((transport) => ({ id: scenario.id, transport, scenario })),
    ),
  )('$id passes over $transport, twice alike', async ({ scenario, transport }) => {
    const { outcome, reason, journalHash, verdicts } = await play(scenario, transport);
    expect({ outcome, reason }).toEqual({ outcome: 'passed', reason: '' });
    expect(journalHash).toMatch(/^[0-9a-f]{64}$/);
    expect(verdicts?.filter((verdict) => verdict.outcome === 'violated')).toEqual([]);
  });
});

describe('rules', () => {
  it('are at least sixty, in every area, with ids of their own', () => {
    expect(RULES.length).toBeGreaterThanOrEqual(60);
    expect(new Set(RULES.map(({ id }) => id)).size).toBe(RULES.length);
    expect(RULE_AREAS.filter((area) => !RULES.some(({ id }) => id.startsWith(`${area}-`)))).toEqual([]);
  });

  it.each(RULES)('$id is exercised by each scenario that is named for it', async (rule) => {
    for (const id of rule.scenarios) expect(await exercisedIn(rule, id), id).toBeGreaterThan(0);
  });
});

/** Over all engines of the scenario. */
async function exercisedIn(rule: Rule, id: string): Promise<number> {
  const scenario = scenarios.find((one) => one.id === id);
  if (scenario === undefined) throw new Error(`${rule.id} names ${id}, which does not exist`);
  let exercised = 0;
  for (const transport of transportsOf(scenario)) {
    const { verdicts = [] } = await play(scenario, transport);
    exercised += verdicts.find((verdict) => verdict.rule === rule.id)?.exercised ?? 0;
  }
  return exercised;
}

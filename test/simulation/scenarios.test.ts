import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import { createLane } from '../../harness/runner/run-suite.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

const scenarios = loadScenarios('scenarios');
/** Another seed than that of `backlot run`: no expectation may hang on one seed's disks. */
const SEED = 'simulation-2';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
});

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
      (['nbd', 'nbdssl', 'hotadd'] as const)
        .filter((transport) => scenario.engines?.includes(transport) ?? true)
        .map((transport) => ({ id: scenario.id, transport, scenario })),
    ),
  )('$id passes over $transport, twice alike', async ({ scenario, transport }) => {
    const lane = createLane({ simulator, stopwatch: () => 0 });
    const { outcome, reason, journalHash } = await lane({ scenario, transport, seed: SEED });
    expect({ outcome, reason }).toEqual({ outcome: 'passed', reason: '' });
    expect(journalHash).toMatch(/^[0-9a-f]{64}$/);
  });
});

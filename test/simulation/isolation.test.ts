import { expect, it } from 'vitest';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { runOnce } from '../../harness/runner/run-once.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

const LOGIN_STORY = `id: S900-example
title: A story that logs in with a password
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world: { servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB }] }] }
engine: { login: password }
steps: [{ backup: {} }]
`;

it('worlds that come one after the other do not use up each other’s login limits', async () => {
  await using simulator = await createSimulator();
  const scenario = parseScenario(LOGIN_STORY, 'test.yaml');
  const run = { simulator, scenario, transport: 'nbd', seed: '1', seams: {} } as const;
  const { journalHash } = await runOnce(run);
  // A login asks for one public key; an address may ask for 60 in a minute, and every world begins in the same one.
  for (let world = 0; world < 65; world++) {
    const { outcome, reason, journalHash: hash } = await runOnce(run);
    expect({ outcome, reason, hash }).toEqual({ outcome: 'passed', reason: '', hash: journalHash });
  }
});

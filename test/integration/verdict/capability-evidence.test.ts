import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Capability } from '../../../harness/driver/capabilities.ts';
import { observe } from '../../../harness/rules/observe.ts';
import { loadScenario } from '../../../harness/runner/load-scenarios.ts';
import { runOnce } from '../../../harness/runner/run-once.ts';
import {
  addEvidence,
  type CapabilityEvidence,
  findEvidence,
} from '../../../harness/verdict/capability-evidence.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import type { Simulator } from '../../../simulator/app/simulator-api.ts';
import type { Transport } from '../../../src/engine/engine-api.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator[Symbol.asyncDispose]());

async function evidenceOf(file: string, transport: Transport): Promise<CapabilityEvidence> {
  const scenario = loadScenario(`scenarios/${file}.yaml`);
  const { journal } = await runOnce({ simulator, scenario, transport, seed: '1', seams: {} });
  return findEvidence(observe(journal));
}

function namesOf(
  evidence: CapabilityEvidence,
  isIt: (one: { asked: number; seen: number }) => boolean,
): string[] {
  return (Object.keys(evidence) as Capability[]).filter((name) => isIt(evidence[name]));
}

describe('evidence of capabilities', () => {
  it('is what was seen on the wire, not what a result says', async () => {
    const tls = await evidenceOf('S002-full-and-three-incrementals', 'nbdssl');
    expect(namesOf(tls, ({ seen }) => seen > 0)).toEqual([
      'nbdssl',
      'incremental',
      'restore-new',
      'access-key',
    ]);
    expect(tls.incremental.asked).toBe(3);
    const proxy = await evidenceOf('S061-proxy-that-reaches-the-disks', 'hotadd');
    // The reference engine checks clones of snapshots with a look over NBDSSL.
    expect(namesOf(proxy, ({ seen }) => seen > 0).slice(0, 2)).toEqual(['nbdssl', 'hotadd']);
    expect(addEvidence([tls, proxy])['access-key']).toEqual({ asked: 2, seen: 2 });
  });

  it('tells logins with a password and jobs side by side', async () => {
    const login = await evidenceOf('S016-token-expires-in-mid-job', 'nbd');
    expect(namesOf(login, ({ seen }) => seen > 0)).toEqual(['nbd', 'restore-new', 'password-login']);
    const both = await evidenceOf('S035-two-servers-at-once', 'nbd');
    expect(both['several-servers'].seen).toBeGreaterThan(0);
    expect((await evidenceOf('S021-killed-around-the-snapshot', 'nbd')).cleanup.seen).toBe(0);
    expect((await evidenceOf('S024-killed-while-cleaning-up', 'nbd')).cleanup.seen).toBeGreaterThan(0);
  });
});

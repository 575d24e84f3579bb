import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { readHeader } from '../../harness/replay/scenario-header.ts';
import { loadScenario } from '../../harness/runner/load-scenarios.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { runOnce } from '../../harness/runner/run-once.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { prepareDrawing } from '../../harness/swarm/draw-script.ts';
import { summaryOf, tallySwarm } from '../../harness/swarm/render-swarm.ts';
import type { SeedResult, SwarmGround, SwarmTask } from '../../harness/swarm/swarm-api.ts';
import { createSwarmLane, swarm, type SwarmLane } from '../../harness/swarm/swarm.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

let simulator: Simulator;
let lane: SwarmLane;
beforeAll(async () => {
  simulator = await createSimulator();
  lane = createSwarmLane(simulator, seamsOf, () => 0);
});
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
});

function seamsOf(id: string): Seams {
  return MUTANTS.find((mutant) => mutant.id === id)?.seams() ?? {};
}

const HOURS: SwarmGround = { size: 'busy-hours' };

const play = (seeds: number, more: Partial<SwarmTask> = {}): Promise<readonly SeedResult[]> => {
  const tasks = Array.from({ length: seeds }, (_, at): SwarmTask => {
    return { ground: HOURS, seed: String(at + 1), times: 2, ...more };
  });
  return swarm({ tasks, lanes: [lane] });
};

async function firstViolation(mutant: string): Promise<SeedResult | undefined> {
  for (let seed = 1; seed <= 20; seed++) {
    const result = await lane({ ground: HOURS, seed: String(seed), times: 1, mutant });
    if (result.outcome === 'violation') return result;
  }
  return undefined;
}

describe('a swarm', () => {
  it('is survived by the reference engines, with the same journal for the same seed, and most faults strike', async () => {
    const results = await play(8);
    const { survived, idle, planned, struck } = summaryOf(results);
    expect(
      results.filter(({ file }) => file !== undefined).map(({ seed, reason }) => `${seed}: ${reason}`),
    ).toEqual([]);
    expect(survived + idle).toBe(8);
    expect(struck).toBeGreaterThan(planned / 2);
    expect(new Set(results.map(({ journalHash }) => journalHash)).size).toBe(8);
    expect(tallySwarm(results).some(({ happened }) => happened > 0)).toBe(true);
  });

  it('draws its whole script from the seed, before anything is played', async () => {
    const [one, other] = [await prepareDrawing(simulator, HOURS), await prepareDrawing(simulator, HOURS)];
    expect(one('7')).toEqual(other('7'));
    expect(one('7').scenario.attack).not.toEqual(one('8').scenario.attack);
  });

  it('finds a broken engine, and its file gives the same journal', async () => {
    const mutant = 'resource-before-detach';
    const found = await firstViolation(mutant);
    const text = found?.file?.text ?? '';
    const { engine = 'nbd', seed = '', journalHash, mutant: written } = readHeader(text);
    expect([written, journalHash]).toEqual([mutant, found?.journalHash]);
    const scenario = parseScenario(text, 'failure.yaml');
    const again = await runOnce({ simulator, scenario, transport: engine, seed, seams: seamsOf(mutant) });
    expect([again.outcome, again.journalHash]).toEqual(['failed', journalHash]);
  });

  it('attacks any scenario at points that it has', async () => {
    const scenario = loadScenario('scenarios/sweep/W02-incremental.yaml');
    const results = await play(4, { ground: { scenario, transport: 'nbd' } });
    expect(results.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 4 }, () => 'survived'));
    expect(new Set(results.map(({ journalHash }) => journalHash)).size).toBe(4);
  });

  it('says that two runs of a seed differ', async () => {
    let runs = 0;
    const seams = (): Seams => ({ options: (given) => ({ ...given, tag: `run_${++runs}` }) });
    const uneven = createSwarmLane(simulator, seams, () => 0);
    const result = await uneven({ ground: HOURS, seed: '1', times: 2, mutant: 'uneven' });
    expect(result.outcome).toBe('violation');
    expect(result.reason).toMatch(/^one seed, different journals: [0-9a-f]{64}, [0-9a-f]{64}$/);
  });
});

/** Found by a swarm: the job had given up, and nobody remembered the server that came after all. */
const LATE_SERVER = `
id: W89-late-server
title: A server whose creation hangs until everybody has given up is removed
rule: What a job has asked for is remembered until it is there and gone, or never comes.
why: A server that nobody remembers holds half an image and a name.
world:
  servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB }] }]
attack: [{ fault: { id: hang, kind: task-hangs, on: task:server.create, step: doing } }]
steps: [{ backup: {} }, { restore: { newName: copy } }]
`;

/** Found by a swarm: what a run had noted by a clock that was set back said for hours that it was alive. */
const CLOCK_SET_BACK = `
id: W88-clock-set-back
title: What a dead run left is removed although the clock was set back while it lived
rule: A run is alive when it says so again and again, not because it once said until when.
why: A clock that is put right must not keep left-overs for hours.
world:
  servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB }] }, { name: vm2, disks: [{ slot: ide0, size: 64KiB }] }]
attack:
  - { clockJump: { when: { checkpoint: cbt, nth: 3 }, by: -3h } }
  - { kill: { when: { operation: storages.list, nth: 2, side: after } } }
steps:
  - { together: [[{ backup: { server: vm1, transport: nbd } }], [{ backup: { server: vm2, transport: hotadd } }]] }
  - { backup: { transport: hotadd } }
`;

/** How the story ends, and why. */
async function endOf(text: string, seed = '1'): Promise<readonly string[]> {
  const scenario = parseScenario(text, 'incident.yaml');
  const { outcome, reason } = await runOnce({ simulator, scenario, transport: 'nbd', seed, seams: {} });
  return [outcome, reason];
}

describe('an incident that a swarm has found', () => {
  it('stays mended: a clock that was set back does not keep a dead run alive', async () => {
    expect(await endOf(CLOCK_SET_BACK, '2076')).toEqual(['passed', '']);
  });
  it('stays mended: a server that is created late is not left', async () => {
    expect(await endOf(LATE_SERVER)).toEqual(['passed', '']);
  });

  it('stays mended: a task that two faults hold goes on when both are over', async () => {
    const hang = 'kind: task-hangs, on: task:backup-resource.delete, step: doing';
    const attack = `[{ fault: { id: a, ${hang} } }, { fault: { id: b, ${hang} } }]`;
    const text = LATE_SERVER.replace(/attack: .*/, `attack: ${attack}`);
    expect(await endOf(text)).toEqual(['passed', '']);
  });
});

import { describe, expect, it } from 'vitest';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { runScenario } from '../../harness/runner/run-scenario.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { createFileSimulator, STORY_HEAD } from './story.ts';

const simulator = await createFileSimulator();

function play(rest: string, seams: Seams = {}): Promise<ScenarioResult> {
  const scenario = parseScenario(`${STORY_HEAD}${rest}`, 'test.yaml');
  return runScenario({ simulator, scenario, transport: 'nbd', seed: '1', seams }, () => 0);
}

describe('outcome of a scenario', () => {
  it('is passed when everything was as expected and bytes were compared', async () => {
    const result = await play('steps: [{ backup: {} }, { restore: {} }]');
    expect([result.outcome, result.reason]).toEqual(['passed', '']);
    expect(result.comparedBytes).toBe(2 * 131_072);
    expect(simulator.worlds()).toEqual([]);
  });

  it('is passed when a power cut has changed what there is, and a later point is looked at', async () => {
    const cut =
      '{ kill: { when: { checkpoint: transfer }, powerCut: true, during: { backup: { full: true } } } }';
    const result = await play(`steps: [{ backup: {} }, ${cut}, { backup: {} }, { check: { points: 2 } }]`);
    expect([result.outcome, result.reason]).toEqual(['passed', '']);
  });

  it('is failed when a step is not as expected, with the step, what was expected and what came', async () => {
    const result = await play('steps: [{ advance: 1s }, { backup: { expect: { kind: incremental } } }]');
    expect(result.outcome).toBe('failed');
    expect(result.findings[0]).toMatchObject({
      where: 'steps.1 backup',
      expected: 'a point of kind incremental',
      actual: 'a point of kind full',
    });
  });

  it('is failed when a step inside of together is not as expected, and does not wait for the others', async () => {
    const steps = 'steps: [{ together: [[{ check: { points: 3 } }], [{ waitFor: { dataBytes: 1GiB } }]] }]';
    const result = await play(steps);
    expect(result.findings.map(({ where }) => where)).toEqual(['steps.0 together.0.0 check']);
  });

  it('is failed when the journal lacks what it must hold', async () => {
    const result = await play(
      'steps: [{ backup: {} }]\nexpect: { journal: [{ match: { type: nbd.request, command: WRITE } }] }',
    );
    expect(result.reason).toContain('"command":"WRITE"');
  });

  it('is inconclusive when a planned fault never fired', async () => {
    const fault = '{ fault: { id: never, on: snapshots.recovery, kind: lose-reply } }';
    const result = await play(`steps: [${fault}, { backup: {} }]`);
    expect([result.outcome, result.reason]).toEqual(['inconclusive', 'fault never (lose-reply) never fired']);
  });

  it('is inconclusive when a planned fault was cleared before it fired', async () => {
    const fault = '{ storageFault: { id: never, operation: write, path: nowhere } }';
    const result = await play(`steps: [${fault}, { backup: {} }, { clearFaults: all }]`);
    expect(result.reason).toBe('fault never (storage write) never fired');
  });

  it('is inconclusive when no byte was compared', async () => {
    const result = await play('steps: [{ write: { at: 0, length: 512 } }]');
    expect([result.outcome, result.reason]).toEqual(['inconclusive', 'no byte was compared']);
  });

  it('is inconclusive when the job was over before the kill', async () => {
    const kill = '{ kill: { when: { dataBytes: 1GiB }, during: { backup: {} } } }';
    const result = await play(`steps: [${kill}, { backup: {} }]`);
    expect(result.reason).toBe('the job was over before the engine could be killed');
  });

  it('is broken when the harness itself can not go on', async () => {
    const result = await play('steps: [{ revert: { to: nowhere } }]');
    expect(result.outcome).toBe('broken');
    expect(result.reason).toContain('no step has made a snapshot called nowhere');
  });

  it('is broken when the simulator answers 500 of its own accord', async () => {
    const result = await play('steps: [{ backup: { expect: { result: failure } } }, { advance: 1s }]', {
      world: ({ world }) =>
        Object.defineProperty(world.cbt, 'changedAreas', {
          value: () => {
            throw new TypeError('a mistake');
          },
        }),
    });
    expect(result.outcome).toBe('broken');
    expect(result.reason).toContain('the simulator answered 500 to cbt.changed-areas');
  });

  it('is failed when the engine waits for ever, and says in which step', async () => {
    const result = await play('steps: [{ backup: {} }]', {
      transport: () => ({ send: () => new Promise(() => undefined), close: () => Promise.resolve() }),
    });
    expect(result.outcome).toBe('failed');
    expect(result.findings[0]).toMatchObject({ where: 'steps.0 backup', expected: 'an end' });
  });

  it('is failed when two runs with one seed differ, and shows the first difference', async () => {
    let starts = 0;
    const result = await play('steps: [{ backup: {} }]', {
      options: (options) => ({ ...options, tag: `run${++starts}` }),
    });
    expect(result.outcome).toBe('failed');
    expect(result.reason).toContain('two runs with one seed differ');
    expect(result.findings[0]?.evidence.join()).toMatch(/first run .*run1-.*second run .*run2-/s);
  });

  it('is failed when something is left behind, unless the story allows it', async () => {
    const kill =
      'steps: [{ backup: {} }, { kill: { when: { dataBytes: 64KiB }, during: { backup: { full: true } } } }]';
    const result = await play(kill);
    expect(result.findings.map(({ actual }) => actual.split(' ')[0])).toEqual(
      expect.arrayContaining(['snapshot', 'backup']),
    );
    const allowed = await play(`${kill}\nexpect: { leftovers: [snapshot, backup-resource, task] }`);
    expect(allowed.reason).toBe('');
    expect(allowed.outcome).toBe('passed');
  });
});

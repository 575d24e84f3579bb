import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';
import type { RunRecord } from '../../../harness/runner/run-once.ts';
import type { AttackNode, Scenario } from '../../../harness/runner/scenario-schema.ts';
import { scenarioText } from '../../../harness/shrink/scenario-text.ts';
import { failureKind } from '../../../harness/shrink/failure-kind.ts';
import { shrink } from '../../../harness/shrink/shrink.ts';

const scenario = parseScenario(
  `id: W99-example
title: An example of a scenario
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world: { servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB }] }] }
attack:
  - fault: { id: rots, on: data, kind: corrupt-payload }
  - fault: { id: lost, on: snapshots.delete, kind: lose-reply }
  - fault: { id: late, on: snapshots.create, kind: delay, delay: 1s }
steps: [{ backup: {} }]
`,
  'test.yaml',
);

function failed(where: string, actual: string): RunRecord {
  return {
    outcome: 'failed',
    reason: actual,
    findings: [{ where, expected: 'something else', actual, evidence: [] }],
    faults: [],
    comparedBytes: 0,
    virtualMs: 0,
    journalHash: '',
    journal: [],
  };
}

const PASSED: RunRecord = { ...failed('', ''), outcome: 'passed', reason: '', findings: [] };

const has = ({ attack = [] }: Scenario, id: string): boolean =>
  attack.some(({ fault }: AttackNode) => fault?.id === id);

describe('shrinking', () => {
  it('holds on to the failure that it was given, though others are easier to have', async () => {
    const play = (small: Scenario): Promise<RunRecord> => {
      if (has(small, 'rots')) return Promise.resolve(failed('byte oracle', '512 bytes in wrong sectors'));
      if (has(small, 'lost')) return Promise.resolve(failed('leak oracle', 'a snapshot was left'));
      return Promise.resolve(PASSED);
    };
    const small = await shrink({ scenario, play, maxRuns: 100 });
    expect(small.scenario.attack?.map(({ fault }) => fault?.id)).toEqual(['rots']);
    expect(small.record.reason).toBe('512 bytes in wrong sectors');
  });
});

describe('shrinking what is prepared', () => {
  const prepared: Scenario = {
    ...scenario,
    prepare: [{ advance: '1s' }, { backup: {} }, { write: { at: 0, length: '4KiB' } }],
  };
  const fails = failed('byte oracle', '512 bytes in wrong sectors');

  it('leaves out steps that the failure does not need', async () => {
    const needsBackup = ({ prepare = [] }: Scenario): boolean =>
      prepare.some(({ backup }) => backup !== undefined);
    const play = (small: Scenario): Promise<RunRecord> =>
      Promise.resolve(needsBackup(small) ? fails : PASSED);
    const small = await shrink({ scenario: prepared, play, maxRuns: 100 });
    expect(small.scenario.prepare).toEqual([{ backup: {} }]);
  });

  it('leaves no empty list where none of them is needed', async () => {
    const small = await shrink({ scenario: prepared, play: () => Promise.resolve(fails), maxRuns: 100 });
    expect(small.scenario).not.toHaveProperty('prepare');
    expect(small.scenario.steps).toEqual([{ backup: {} }]);
  });

  it('is written as text that reads back the same, before the attack', () => {
    const text = scenarioText(prepared);
    expect(parseScenario(text, 'again.yaml')).toEqual(prepared);
    expect(text.match(/^(prepare|attack|steps):/gm)).toEqual(['prepare:', 'attack:', 'steps:']);
  });
});

describe('the kind of a failure', () => {
  it('is the same for other numbers, names of points and places of steps', () => {
    const one = failed('steps.3 backup', 'point 20260203T040507Z-7aeaac3a: 512 of 65536 bytes');
    const two = failed(
      'steps.1 together.0.0 backup',
      'point 20260203T041234Z-0a1b2c3d: 4096 of 131072 bytes',
    );
    expect(failureKind(two)).toBe(failureKind(one));
  });

  it('is another one where another oracle or another word tells of it', () => {
    const one = failureKind(failed('byte oracle', '512 bytes in wrong sectors'));
    expect(failureKind(failed('leak oracle', '512 bytes in wrong sectors'))).not.toBe(one);
    expect(failureKind(failed('byte oracle', 'the disk is missing'))).not.toBe(one);
  });

  it('is none where nothing failed', () => {
    expect(failureKind(PASSED)).toBeUndefined();
    expect(failureKind({ ...PASSED, outcome: 'inconclusive' })).toBeUndefined();
  });
});

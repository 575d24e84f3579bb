import { describe, expect, it } from 'vitest';
import { faultSpecOf } from '../../../harness/runner/fault-words.ts';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';
import { FAULT_KIND_NAMES, kindRowOf } from '../../../simulator/fault/fault-kinds.ts';
import { parseFaultSpec } from '../../../simulator/fault/fault-spec.ts';

const scenarioWith = (fault: object): string => `
id: S999-words-of-faults
title: A scenario that is only read
rule: A fault is known by its words
why: Words that nobody knows are silently passed over
world:
  servers: [{ name: vm1, disks: [{ slot: ide0, size: 1MiB }] }]
steps:
  - fault: ${JSON.stringify({ id: 'it', ...fault })}
`;

describe('faults in scenario files', () => {
  it.each(FAULT_KIND_NAMES)('has an example of %s that a file and the simulator take', (kind) => {
    const { example } = kindRowOf(kind);
    const scenario = parseScenario(scenarioWith(example), 'example.yaml');
    const [step] = scenario.steps;
    if (step?.fault === undefined) throw new Error('the example has no fault');
    expect(step.fault.kind).toBe(kind);
    const spec = faultSpecOf(step.fault, 'nbd');
    expect(parseFaultSpec(spec)).toEqual(spec);
  });

  it('reads durations and sizes as texts and fills in what is usual', () => {
    const delay = { id: 'd', on: 'data', kind: 'delay', delay: '2m' } as const;
    expect(faultSpecOf(delay, 'hotadd')).toEqual({
      id: 'd',
      kind: 'delay',
      on: 'guest',
      ms: 120_000,
      when: 'before',
    });
    const occupy = { id: 'o', on: 'lease', kind: 'occupy', for: '10m', atRemaining: '30s' } as const;
    expect(faultSpecOf(occupy, 'nbd')).toMatchObject({ seconds: 600, atRemaining: 30 });
    const drop = { id: 'b', on: 'nbd', kind: 'drop-after-bytes', bytes: '1KiB+1', after: 2 } as const;
    expect(faultSpecOf(drop, 'nbd')).toMatchObject({ bytes: 1025, after: 2 });
  });

  it.each([
    [{ on: 'tasks.get', kind: 'unavailable' }, 'for: is needed by unavailable'],
    [{ on: 'tasks.get', kind: 'lose-reply', for: '1s' }, 'for: does not belong to lose-reply'],
    [{ on: 'tasks.got', kind: 'lose-reply' }, 'no operation is called tasks.got'],
    [{ on: 'nbd', kind: 'garbage-reply' }, 'on: this fault strikes at REST operations only'],
    [{ on: 'tasks.get', kind: 'refuse', code: 'NOPE' }, 'code: must be one of INVALID_PARAMETER'],
  ])('refuses %j', (fault, message) => {
    expect(() => parseScenario(scenarioWith(fault), 'bad.yaml')).toThrow(message);
  });
});

import { describe, expect, it } from 'vitest';
import type { Capability } from '../../../harness/driver/capabilities.ts';
import { whyNotDriven } from '../../../harness/runner/driven/why-not-driven.ts';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';

const SCENARIO = `id: S998-example
title: An example of a scenario
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world: { servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB }] }] }
steps: [{ backup: {} }]
`;
const facts = {
  capabilities: new Set<Capability>(['nbd', 'restore-new', 'cleanup']),
  timeScale: 1,
  canKill: false,
};
const whyNot = (text: string): string | undefined =>
  whyNotDriven(parseScenario(text, 'x.yaml'), 'nbd', facts);

describe('an engine of somebody else is asked to do', () => {
  it('what a story prepares, too', () => {
    expect(whyNot(SCENARIO)).toBeUndefined();
    expect(whyNot(`${SCENARIO}prepare: [{ backup: {} }, { advance: 30s }]\n`)).toBeUndefined();
  });

  it.each([
    ['{ kill: { when: { dataBytes: 1KiB }, during: { backup: {} } } }', "the engine can't be killed"],
    ['{ together: [[{ backup: {} }], [{ cleanup: {} }]] }', 'does not declare several-servers'],
    ['{ advance: 2m }', 'waits 2 minutes'],
  ])('nothing that it cannot: %s', (step, reason) => {
    expect(whyNot(SCENARIO.replace('{ backup: {} }', step))).toContain(reason);
    expect(whyNot(`${SCENARIO}prepare: [${step}]\n`)).toContain(reason);
  });
});

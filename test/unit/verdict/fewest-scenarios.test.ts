import { describe, expect, it } from 'vitest';
import type { Capability } from '../../../harness/driver/capabilities.ts';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { fewestScenarios } from '../../../harness/verdict/fewest-scenarios.ts';

const all = new Set<Capability>(['nbd', 'nbdssl', 'incremental', 'cleanup', 'access-key', 'restore-new']);
const playable = new Set(RULES.flatMap(({ scenarios }) => scenarios).sort());

describe('the fewest scenarios', () => {
  it('exercise every must-rule of the engine, each at least once', () => {
    const chosen = fewestScenarios(RULES, all, playable);
    const uncovered = RULES.filter(
      ({ level, needs = [], scenarios }) =>
        level === 'must' &&
        needs.every((need) => all.has(need)) &&
        !scenarios.some((id) => chosen.includes(id)),
    );
    expect(uncovered.map(({ id }) => id)).toEqual([]);
    expect(chosen.length).toBeLessThan(playable.size / 2);
  });

  it('are only such as the engine can play', () => {
    const few = new Set(['S001-full-backup-and-restore']);
    expect(fewestScenarios(RULES, all, few)).toEqual(['S001-full-backup-and-restore']);
    expect(fewestScenarios(RULES, all, new Set())).toEqual([]);
  });
});

/**
 * A racing scenario made ready for an operator who cuts the power of its proxy at any moment.
 *
 * A job may then fail, in order, or succeed. The power state of the proxy is nobody's leftover any more, which `stop`
 * and `start` at the beginning say.
 */
import type { Scenario, StepNode } from '../runner/scenario-schema.ts';

export function withPowerCut(scenario: Scenario): Scenario {
  const proxy = scenario.world.proxies?.[0]?.name;
  if (proxy === undefined) throw new RangeError(`${scenario.id} names no proxy whose power could be cut`);
  const { points: _, ...expect } = scenario.expect ?? {};
  return {
    ...scenario,
    steps: [{ stop: { server: proxy } }, { start: { server: proxy } }, ...scenario.steps.map(leniently)],
    expect,
  };
}

function leniently(step: StepNode): StepNode {
  if (step.together !== undefined)
    return { together: step.together.map((steps) => steps.map((inner) => leniently(inner))) };
  const { backup, restore } = step;
  if (backup !== undefined) return { backup: { ...backup, expect: { result: 'either' } } };
  if (restore !== undefined) return { restore: { ...restore, expect: { result: 'either' } } };
  return step;
}

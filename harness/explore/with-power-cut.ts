/**
 * A racing scenario made ready for an operator who cuts the power of its proxy at any moment.
 *
 * A job may then fail, in order, or succeed, so nothing is expected of its result but bytes and no leftovers. The power
 * state of the proxy is nobody's leftover any more, which `stop` and `start` at the beginning say.
 */
import { withProxies } from '../runner/build-world.ts';
import type { Scenario, StepNode } from '../runner/scenario-schema.ts';

/** Name of the proxy whose power is cut; of a world that names none, the one that it gets. */
export function firstProxy({ world }: Scenario): string | undefined {
  return withProxies(world, 'hotadd').proxies?.[0]?.name;
}

export function withPowerCut(scenario: Scenario): Scenario {
  const proxy = firstProxy(scenario);
  if (proxy === undefined) throw new RangeError(`${scenario.id} names no proxy whose power could be cut`);
  const { leftovers = [] } = scenario.expect ?? {};
  return {
    ...scenario,
    steps: [{ stop: { server: proxy } }, { start: { server: proxy } }, ...scenario.steps.flatMap(leniently)],
    expect: { leftovers },
  };
}

type PlainStep = NonNullable<StepNode['together']>[number][number];

function leniently(step: StepNode): StepNode[] {
  const { together, ...plain } = step;
  if (together === undefined) return plainly(plain);
  return [{ together: together.map((steps) => steps.flatMap(plainly)) }];
}

/** A proxy may be off in the end, so its state is not looked at. */
function plainly(step: PlainStep): PlainStep[] {
  const { backup, restore, check } = step;
  if (backup !== undefined) return [{ backup: { ...backup, expect: { result: 'either' } } }];
  if (restore !== undefined) return [{ restore: { ...restore, expect: { result: 'either' } } }];
  if (check === undefined) return [step];
  const { status: _, points: __, ...others } = check;
  return Object.keys(others).some((word) => word !== 'server') ? [{ check: others }] : [];
}

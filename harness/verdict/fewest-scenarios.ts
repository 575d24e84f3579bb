/** The fewest scenarios, or nearly, in which every must-rule of an engine is exercised. */
import type { Capability } from '../driver/capabilities.ts';
import type { Rule } from '../rules/rule-api.ts';

/** `playable`: ids of the scenarios that the engine can play. In their order. */
export function fewestScenarios(
  rules: readonly Rule[],
  capabilities: ReadonlySet<Capability>,
  playable: ReadonlySet<string>,
): readonly string[] {
  const open = rules
    .filter(({ level, needs = [] }) => level === 'must' && needs.every((need) => capabilities.has(need)))
    .map(({ scenarios }) => scenarios.filter((id) => playable.has(id)))
    .filter((scenarios) => scenarios.length > 0);
  const chosen = new Set<string>();
  for (let left = open; left.length > 0; left = left.filter((some) => !some.some((id) => chosen.has(id)))) {
    const best = mostNamed(left);
    if (best === undefined) break;
    chosen.add(best);
  }
  return [...playable].filter((id) => chosen.has(id));
}

/** The first of those that stand for the most rules. */
function mostNamed(lists: readonly (readonly string[])[]): string | undefined {
  const counts = new Map<string, number>();
  for (const id of lists.flat()) counts.set(id, (counts.get(id) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return [...counts].find(([, count]) => count === most)?.[0];
}

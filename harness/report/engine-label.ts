/** The engine as a report names it: with the guest level where guests were outside of the simulator. */
import type { ScenarioResult } from '../runner/outcome.ts';

export function engineLabel({ engine, guest }: Pick<ScenarioResult, 'engine' | 'guest'>): string {
  return guest === undefined ? engine : `${engine}, guest ${guest}`;
}

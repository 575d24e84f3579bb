/** Which stories of somebody else's engine take long, roughly: by their jobs, and by what they wait for. */
import { parseDuration } from '../quantities.ts';
import type { Scenario, StepNode } from '../scenario-schema.ts';

/** A job that is killed may leave a lock whose end the next one waits for. */
const KILL_COST = 5;
const MINUTE_MS = 60_000;

/** In units of one job. */
export function drivenCost({ prepare = [], steps }: Scenario): number {
  return [...prepare, ...steps].reduce((sum, step) => sum + stepCost(step), 0);
}

function stepCost({ together = [], backup, restore, cleanup, kill, advance }: StepNode): number {
  const inner = together.flat().reduce((sum, step) => sum + stepCost(step), 0);
  const jobs = [backup, restore, cleanup].filter((job) => job !== undefined).length;
  const waits = advance === undefined ? 0 : parseDuration(advance) / MINUTE_MS;
  return inner + jobs + (kill === undefined ? 0 : KILL_COST) + waits;
}

/** Whether the platform, or whoever plans faults, has kept an engine from doing what it had to. */
import type { Call, Moment, Observation } from '../observation.ts';

export interface Span {
  readonly actor: string | undefined;
  readonly from: Moment;
  readonly to: Moment | undefined;
  /** Beginnings of the names of operations; all when absent. */
  readonly operations?: readonly string[];
}

/** A call of the engine was struck by a planned fault, failed on the platform's side, or stayed unanswered meanwhile. */
export function isHindered(seen: Observation, { actor, from, to, operations }: Span): boolean {
  const endN = to?.n ?? Number.POSITIVE_INFINITY;
  return seen.calls.some(
    (call) =>
      call.actor === actor &&
      call.n <= endN &&
      (call.reply?.n ?? Number.POSITIVE_INFINITY) >= from.n &&
      (operations?.some((name) => call.operation.startsWith(name)) ?? true) &&
      isTroubled(call),
  );
}

function isTroubled({ faults, reply }: Call): boolean {
  return (
    faults.length > 0 || reply === undefined || reply.isLost || reply.status === 0 || reply.status >= 500
  );
}

/** Questions that many rules ask of a call. */
import type { Call, Observation } from './observation.ts';

/** The platform has done what was asked, whether or not the engine heard of it. */
export function isDone({ reply }: Call): boolean {
  return reply !== undefined && reply.status >= 200 && reply.status < 300;
}

/** The engine was told that it is done. */
export function isToldDone(call: Call): boolean {
  return isDone(call) && call.reply?.isLost === false;
}

/** The engine was told anything at all. */
export function isAnswered({ reply }: Call): boolean {
  return reply !== undefined && !reply.isLost && reply.status !== 0;
}

export function callsOf(seen: Observation, ...operations: readonly string[]): readonly Call[] {
  return seen.calls.filter(({ operation }) => operations.includes(operation));
}

/** The piece of the path behind `name`: of `.../servers/A/snapshots/B`, B for `snapshots`. */
export function idAfter({ segments }: Call, name: string): string | undefined {
  const at = segments.indexOf(name);
  return at < 0 ? undefined : segments[at + 1];
}

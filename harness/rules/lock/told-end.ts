/** When an engine was told that a lock of its own has ended. */
import type { Call, Observation, ResourceLife } from '../observation.ts';
import { idAfter, isAnswered } from '../read-calls.ts';
import { textOf } from '../read-json.ts';
import { once } from '../readings/once.ts';

export interface ToldEnd {
  readonly resource: ResourceLife;
  /** The call whose answer says so. */
  readonly by: Call;
  readonly n: number;
  readonly t: number;
}

const HOLDS: ReadonlySet<string> = new Set(['pending', 'running']);

/** Of locks that ended before the engine itself asked for it. */
export const toldEnds = once((seen): readonly ToldEnd[] =>
  seen.resources.flatMap((resource) => {
    if (resource.actor === undefined) return [];
    const by = seen.calls.find((call) => tellsEnd(call, resource));
    if (by?.reply === undefined || resource.deletedBy.some(({ n }) => n < by.n)) return [];
    return [{ resource, by, n: by.reply.n, t: by.reply.t }];
  }),
);

function tellsEnd(call: Call, { id, actor }: ResourceLife): boolean {
  if (idAfter(call, 'backup-resources') !== id || call.actor !== actor || !isAnswered(call)) return false;
  if (call.reply?.status === 404) return true;
  const status = textOf(call.reply?.data, 'status');
  return call.operation === 'backup-resources.get' && status !== undefined && !HOLDS.has(status);
}

/** Own locks that held their server at some time. */
export function heldLocks(seen: Observation): readonly ResourceLife[] {
  return seen.resources.filter(({ actor, running }) => actor !== undefined && running !== undefined);
}

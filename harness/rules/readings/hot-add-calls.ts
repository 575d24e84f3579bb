/** Calls of HotAdd: what each adds or removes, and how the platform took it. */
import type { Call, HotAddedLife, Observation, TaskLife } from '../observation.ts';
import { type HotAddAsked, readHotAdd } from '../read-hot-add.ts';
import { once } from './once.ts';

export interface HotAddCall extends Call, HotAddAsked {
  readonly proxy: string;
  readonly task: TaskLife | undefined;
  /** The platform's words, where it declined: in the answer, or at the end of the task. */
  readonly refusal: string | undefined;
}

export const hotAddCallsOf = once((seen: Observation): readonly HotAddCall[] => {
  const tasks = new Map([...seen.tasks.values()].map((task) => [task.call?.call, task]));
  return seen.calls.flatMap((call) => {
    const asked = readHotAdd(call.operation, call.body);
    if (asked === undefined) return [];
    const task = tasks.get(call.call);
    const refusal = refusalOf(call, task);
    return [{ ...call, ...asked, proxy: call.server ?? '', task, refusal }];
  });
});

function refusalOf({ reply }: Call, task: TaskLife | undefined): string | undefined {
  if (reply !== undefined && reply.status >= 400) return reply.message;
  return task?.status === 'failure' ? task.description : undefined;
}

export function isAttachedAt({ n: begin, end }: HotAddedLife, n: number): boolean {
  return begin <= n && (end === undefined || n < end.n);
}

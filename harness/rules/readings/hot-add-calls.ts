/** Calls of HotAdd: what each adds or removes, and how the platform took it. */
import type { Call, HotAddedLife, Observation, TaskLife } from '../observation.ts';
import { listOf, textOf } from '../read-json.ts';
import { once } from './once.ts';

export interface AskedDisk {
  readonly disk: string;
  /** `backup` for a clone of a snapshot, `restore` for the disk itself. */
  readonly purpose: string | undefined;
  readonly source: string | undefined;
  readonly snapshot: string | undefined;
}

export interface HotAddCall extends Call {
  readonly kind: 'add' | 'remove';
  readonly proxy: string;
  readonly disks: readonly AskedDisk[];
  readonly task: TaskLife | undefined;
  /** The platform's words, where it declined: in the answer, or at the end of the task. */
  readonly refusal: string | undefined;
}

export const hotAddCallsOf = once((seen: Observation): readonly HotAddCall[] => {
  const tasks = new Map([...seen.tasks.values()].map((task) => [task.call?.call, task]));
  return seen.calls.flatMap((call) => {
    const kind = kindOf(call);
    if (kind === undefined) return [];
    const task = tasks.get(call.call);
    const refusal = refusalOf(call, task);
    return [{ ...call, kind, proxy: call.server ?? '', disks: disksOf(call), task, refusal }];
  });
});

function kindOf({ operation }: Call): HotAddCall['kind'] | undefined {
  if (operation.endsWith('hot-add.add')) return 'add';
  return operation.endsWith('hot-add.remove') ? 'remove' : undefined;
}

function disksOf({ body }: Call): AskedDisk[] {
  const added = listOf(body, 'disks').map((disk) => ({
    disk: textOf(disk, 'disk_id') ?? '',
    purpose: textOf(disk, 'application_type'),
    source: textOf(disk, 'source_server_id'),
    snapshot: textOf(disk, 'snapshot_id'),
  }));
  const removed = listOf(body, 'disk_ids').map((id) => ({
    disk: typeof id === 'string' ? id : '',
    purpose: undefined,
    source: undefined,
    snapshot: undefined,
  }));
  return [...added, ...removed];
}

function refusalOf({ reply }: Call, task: TaskLife | undefined): string | undefined {
  if (reply !== undefined && reply.status >= 400) return reply.message;
  return task?.status === 'failure' ? task.description : undefined;
}

export function isAttachedAt({ n: begin, end }: HotAddedLife, n: number): boolean {
  return begin <= n && (end === undefined || n < end.n);
}

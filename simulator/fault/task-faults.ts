/**
 * What a world's faults make of its tasks, step by step (`waiting`, `doing`, `finish`; `finish` unless the fault says
 * otherwise).
 *
 * - `delay`: the step and all that follows come so much later.
 * - `task-fails`: the platform gives up and takes back what the call had begun.
 * - `task-hangs`: the step does not come; the task goes on when its fault is cleared, as if somebody had unstuck it.
 * - `task-phantom`: the same as failing, and the task says that all went well.
 */
import type { Interference, TaskFate, TaskMoment } from '../domain/interference.ts';
import type { FaultKind, Faults, StruckFault } from './fault-api.ts';

const CAN = [
  'delay',
  'task-fails',
  'task-hangs',
  'task-phantom',
] as const satisfies readonly FaultKind['kind'][];

/** `faults` come later than the world whose tasks they disturb. */
export function createTaskFaults(faults: () => Faults): Interference['fatesOf'] {
  const stuck = new Stuck();
  let isListening = false;
  return (moment) => {
    const struck = faults().strike(pointOf(moment));
    if (struck.length === 0) return NO_FATE;
    if (!isListening) faults().onCleared((id) => stuck.free(id));
    isListening = true;
    return struck.flatMap((fault) => fateOf(fault, stuck));
  };
}

const NO_FATE: readonly TaskFate[] = [];

function pointOf({ action, step, serverId, objectId }: TaskMoment) {
  return {
    on: `task:${action}`,
    step,
    can: CAN,
    ...(serverId === undefined ? {} : { serverId }),
    ...(action.startsWith('backup-resource.') ? { resourceId: objectId } : {}),
  };
}

function fateOf(fault: StruckFault, stuck: Stuck): TaskFate[] {
  switch (fault.kind) {
    case 'delay':
      return [{ kind: 'delay', ms: fault.ms }];
    case 'task-fails':
      return [{ kind: 'fail', message: fault.message }];
    case 'task-phantom':
      return [{ kind: 'phantom' }];
    case 'task-hangs':
      return [{ kind: 'hang', whenOver: (resume) => stuck.add(fault.id, resume) }];
    default:
      return [];
  }
}

/** Tasks that hang, by the fault that holds them. */
class Stuck {
  readonly #resumes = new Map<string, (() => void)[]>();

  add(fault: string, resume: () => void): void {
    this.#resumes.set(fault, [...(this.#resumes.get(fault) ?? []), resume]);
  }

  free(fault: string): void {
    const resumes = this.#resumes.get(fault) ?? [];
    this.#resumes.delete(fault);
    for (const resume of resumes) resume();
  }
}

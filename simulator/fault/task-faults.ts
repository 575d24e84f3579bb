/**
 * What a world's faults make of its tasks, step by step (`waiting`, `doing`, `finish`; `finish` unless the fault says
 * otherwise).
 *
 * - `delay`: the step and all that follows come so much later.
 * - `task-fails`: the platform gives up and takes back what the call had begun.
 * - `task-hangs`: the step does not come; the task goes on when its fault is cleared, as if somebody had unstuck it.
 * - `task-phantom`: the same as failing, and the task says that all went well.
 * - What befalls the world (world-faults.ts) does so just before the step.
 */
import type { Interference, TaskFate, TaskMoment } from '../domain/interference.ts';
import type { World } from '../domain/world-api.ts';
import type { FaultKind, FaultPoint, Faults, StruckFault } from './fault-api.ts';
import { scopeOf, WORLD_FAULT_KINDS, worldFaultsOf } from './world-faults.ts';

const CAN = [
  'delay',
  'task-fails',
  'task-hangs',
  'task-phantom',
  ...WORLD_FAULT_KINDS,
] as const satisfies readonly FaultKind['kind'][];

/** World and faults come later than the tasks that they disturb. */
export function createTaskFaults(faults: () => Faults, world: () => World): Interference['fatesOf'] {
  const stuck = new Stuck();
  let isListening = false;
  return (moment) => {
    if (faults().isNone()) return NO_FATE;
    if (!isListening) faults().onCleared((id) => stuck.free(id));
    isListening = true;
    const befalls = worldFaultsOf(world(), faults());
    const point = pointOf(moment);
    const scope = scopeOf(world(), point);
    const struck = faults().strike({ ...point, canStrike: (fault) => befalls.canBefall(fault, scope) });
    return struck.flatMap((fault) => fateOf(fault, stuck, () => befalls.befall(fault, scope)));
  };
}

const NO_FATE: readonly TaskFate[] = [];

function pointOf({ action, step, serverId, objectId }: TaskMoment): FaultPoint {
  return {
    on: `task:${action}`,
    step,
    can: CAN,
    ...(serverId === undefined ? {} : { serverId }),
    ...(action.startsWith('backup-resource.') ? { resourceId: objectId } : {}),
  };
}

function fateOf(fault: StruckFault, stuck: Stuck, happen: () => void): TaskFate[] {
  switch (fault.kind) {
    case 'delay':
      return [{ kind: 'delay', ms: fault.ms }];
    case 'task-fails':
      return [{ kind: 'fail', message: fault.message }];
    case 'task-phantom':
      return [{ kind: 'phantom' }];
    case 'task-hangs':
      return [{ kind: 'hang', whenOver: stuck.hold(fault.id) }];
    default:
      return [{ kind: 'event', happen }];
  }
}

interface Hold {
  isOver: boolean;
  resume: (() => void) | undefined;
}

/** Tasks that hang, by the fault that holds them. */
class Stuck {
  readonly #holds = new Map<string, Hold[]>();

  /** A task that two faults hold comes to the second when the first is over; that one may be over then too. */
  hold(fault: string): (resume: () => void) => void {
    const hold: Hold = { isOver: false, resume: undefined };
    this.#holds.set(fault, [...(this.#holds.get(fault) ?? []), hold]);
    return (resume) => {
      if (hold.isOver) resume();
      else hold.resume = resume;
    };
  }

  free(fault: string): void {
    const holds = this.#holds.get(fault) ?? [];
    this.#holds.delete(fault);
    for (const hold of holds) {
      hold.isOver = true;
      hold.resume?.();
    }
  }
}

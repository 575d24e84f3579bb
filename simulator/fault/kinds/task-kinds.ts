/** Faults of tasks; carried out in simulator/fault/task-faults.ts. */
import { text, usually } from '../fault-fields.ts';
import type { KindRow } from '../kind-row.ts';

export const TASK_KINDS = {
  'task-fails': {
    places: ['task'],
    fields: { message: usually(text('message'), 'Internal error.') },
    what: 'The task ends in failure, with this text; what its call had begun is taken back.',
    model:
      'The platform gives up: a snapshot that was being created is gone, one that was being deleted is there again, a backup resource reads failed. Where the call itself has the effect (renewal and deletion of a backup resource) the effect stays.',
    example: { on: 'task:snapshot.create', kind: 'task-fails', message: 'The storage did not answer.' },
  },
  'task-hangs': {
    places: ['task'],
    fields: {},
    what: 'The task never ends; it goes on when the fault is cleared.',
    model:
      'A worker of the platform is stuck. The server stays busy meanwhile. Clearing the fault unsticks it.',
    example: { on: 'task:snapshot.delete', kind: 'task-hangs' },
  },
  'task-phantom': {
    places: ['task'],
    fields: {},
    what: 'The task is reported done, and nothing is: the snapshot is still there, the disk still attached.',
    model:
      'A platform that forgets its work: what the call had begun is taken back, and the task says finish. Only looking tells.',
    example: { on: 'task:snapshot.delete', kind: 'task-phantom' },
  },
} as const satisfies Record<string, KindRow>;

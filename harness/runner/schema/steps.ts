/** The steps of a story. */
import { Type } from 'typebox';
import { TASK_STEPS } from '../../../simulator/domain/interference.ts';
import { FAULT_KIND_NAMES } from '../../../simulator/fault/fault-kinds.ts';
import { DURATION_PATTERN } from '../quantities.ts';
import { Backup, Check, Cleanup, Compare, Kill, Restore, Trigger, Unprotect, Verify } from './jobs.ts';
import { closed, Count, Duration, EngineName, Name, ProxyName, ServerName, Size, Slot } from './words.ts';

export const Fault = Type.Object(
  {
    id: Name,
    on: Type.String({
      description:
        'A REST operation, * for all, task:<action>, lease, nbd, guest (hot-added devices), or data: whichever of the two the engine reads by',
    }),
    kind: Type.Enum([...FAULT_KIND_NAMES]),
    status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
    message: Type.Optional(Type.String()),
    code: Type.Optional(Type.String({ description: 'Name of an error of the catalogue: SERVER_BUSY' })),
    errno: Type.Optional(Type.String({ description: 'Name of an NBD error: EIO, ENOSPC, ESHUTDOWN' })),
    offset: Type.Optional(Size),
    delay: Type.Optional(Duration),
    for: Type.Optional(Duration),
    when: Type.Optional(Type.Enum(['before', 'after'])),
    bytes: Type.Optional(Size),
    characters: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 20, description: 'Of the disk’s id in its serial number' }),
    ),
    flaw: Type.Optional(Type.Enum(['foreign-ca', 'expired', 'wrong-host'])),
    server: Type.Optional(ServerName),
    device: Type.Optional(Slot),
    resource: Type.Optional(Type.String({ description: 'Id of a backup resource' })),
    actor: Type.Optional(Type.String({ description: 'Access key or user name of the caller' })),
    connection: Type.Optional(Type.Integer({ minimum: 1, description: 'Number of an NBD connection' })),
    step: Type.Optional(
      Type.Enum([...TASK_STEPS], {
        description: 'Of a task: accepted, begins, has its effect; default finish',
      }),
    ),
    atRemaining: Type.Optional(
      Type.String({
        pattern: DURATION_PATTERN,
        description: 'Of a lease: strikes when it has so much time left',
      }),
    ),
    after: Type.Optional(Count),
    times: Type.Optional(Count),
    mayMiss: Type.Optional(
      Type.Boolean({ description: 'The outcome counts even if it never fired; default false' }),
    ),
  },
  closed,
);

export const StorageFault = Type.Object(
  {
    id: Name,
    engine: Type.Optional(EngineName),
    operation: Type.Enum(['write', 'sync', 'rename', 'remove']),
    path: Type.Optional(Type.String()),
    after: Type.Optional(Count),
    times: Type.Optional(Count),
  },
  closed,
);

const Range = Type.Object(
  { server: Type.Optional(ServerName), disk: Type.Optional(Slot), at: Size, length: Size },
  closed,
);

const OnServer = Type.Object({ server: Type.Optional(ServerName) }, closed);

const Permission = Type.Enum(['done', 'refused'], {
  description: 'refused: by the call or by its task; default done',
});

/** What another user of the platform does with a proxy. */
const ByStranger = {
  proxy: Type.Optional(ProxyName),
  server: Type.Optional(ServerName),
  disk: Type.Optional(Slot),
  wait: Type.Optional(Type.Boolean({ description: 'Until the task has ended; default true' })),
  expect: Type.Optional(Permission),
};

/** Steps that stand alone; `together` runs lists of them side by side. */
const plainSteps = {
  write: Range,
  zero: Range,
  trim: Range,
  workload: Type.Object(
    {
      server: Type.Optional(ServerName),
      disk: Type.Optional(Slot),
      kind: Type.Enum(['random', 'sequential', 'hotspot', 'trim']),
      writes: Type.Integer({ minimum: 1 }),
      length: Size,
    },
    closed,
  ),
  snapshot: Type.Object(
    { server: Type.Optional(ServerName), name: Name, wait: Type.Optional(Type.Boolean()) },
    closed,
  ),
  deleteSnapshot: Type.Object({ server: Type.Optional(ServerName), name: Name }, closed),
  revert: Type.Object({ server: Type.Optional(ServerName), to: Name }, closed),
  cbt: Type.Object(
    {
      server: Type.Optional(ServerName),
      set: Type.Enum(['enable', 'disable', 'reset']),
      disks: Type.Optional(Type.Array(Slot, { minItems: 1 })),
    },
    closed,
  ),
  start: Type.Object(
    { server: Type.Optional(ServerName), expect: Type.Optional(Type.Enum(['started', 'refused'])) },
    closed,
  ),
  stop: OnServer,
  deleteServer: Type.Object({ server: ServerName, expect: Type.Optional(Permission) }, closed),
  hotAdd: Type.Object(
    {
      ...ByStranger,
      for: Type.Optional(
        Type.Enum(['restore', 'normal'], { description: 'The disk itself; default normal' }),
      ),
    },
    closed,
  ),
  hotRemove: Type.Object(ByStranger, closed),
  mark: Type.Object(
    { server: ServerName, as: Type.Enum(['proxy', 'plain'], { description: 'Type of the VM' }) },
    closed,
  ),
  occupy: Type.Object({ server: Type.Optional(ServerName), for: Duration }, closed),
  preempt: OnServer,
  expireResource: OnServer,
  expireTokens: Type.Object({}, closed),
  advance: Duration,
  waitFor: Trigger,
  fault: Fault,
  clearFaults: Type.Unsafe<'all' | readonly string[]>({
    anyOf: [{ const: 'all' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
  }),
  storageFault: StorageFault,
  backup: Backup,
  restore: Restore,
  cleanup: Cleanup,
  unprotect: Unprotect,
  verify: Verify,
  compare: Compare,
  kill: Kill,
  check: Check,
} as const;

const stepLimits = { ...closed, minProperties: 1, maxProperties: 1 } as const;
const PlainStep = Type.Object(Type.Partial(Type.Object(plainSteps)).properties, stepLimits);

export const Step = Type.Object(
  {
    ...PlainStep.properties,
    together: Type.Optional(
      Type.Array(Type.Array(PlainStep, { minItems: 1 }), {
        minItems: 2,
        description:
          'Lists of steps; the lists run at the same time, the steps of a list one after the other',
      }),
    ),
  },
  stepLimits,
);

/**
 * The language of scenario files: a closed vocabulary. An unknown word is an error, so that a misspelt expectation
 * can't pass by never being looked at. `scenarios/scenario.schema.json` is made from this file.
 */
import { Type } from 'typebox';
import { DURATION_PATTERN, SIZE_PATTERN } from './quantities.ts';

const closed = { additionalProperties: false } as const;

const Size = Type.Unsafe<number | string>({
  type: ['integer', 'string'],
  minimum: 0,
  pattern: SIZE_PATTERN,
  description: 'Bytes, or a text such as 64KiB or 10MiB+512',
});
const Duration = Type.String({
  pattern: DURATION_PATTERN,
  description: 'For instance 500ms, 90s, 10m, 24h, 7d',
});
const Slot = Type.String({
  pattern: '^(ide|virtio|scsi)\\d+$',
  description: 'Slot of a disk: ide0, virtio1',
});
const Name = Type.String({ minLength: 1, maxLength: 80 });
const ServerName = Type.String({ minLength: 1, description: 'Name of a server; the first one when absent' });
const Nth = Type.Integer({ minimum: 1, description: 'Counted from 1, from the beginning of the step' });
const Count = Type.Integer({ minimum: 0 });
const Bounds = Type.Object(
  {
    atLeast: Type.Optional(Count),
    atMost: Type.Optional(Count),
    exactly: Type.Optional(Count),
  },
  { ...closed, minProperties: 1 },
);

const Disk = Type.Object(
  {
    slot: Slot,
    size: Size,
    cbt: Type.Optional(Type.Boolean({ description: 'Changed block tracking from the start; default true' })),
    content: Type.Optional(
      Type.Object(
        {
          allocated: Type.Number({
            minimum: 0,
            maximum: 1,
            description: 'Share of the disk that holds data',
          }),
          run: Type.Optional(Size),
        },
        {
          ...closed,
          description: 'What the guest wrote before the story, in runs; an empty disk when absent',
        },
      ),
    ),
  },
  closed,
);

const World = Type.Object(
  {
    servers: Type.Array(
      Type.Object(
        {
          name: Name,
          state: Type.Optional(Type.Enum(['running', 'stopped'])),
          disks: Type.Array(Disk, { minItems: 1 }),
        },
        closed,
      ),
      { minItems: 1 },
    ),
    hosts: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
    settings: Type.Optional(
      Type.Object(
        {
          granularityBytes: Type.Optional(Type.Integer({ minimum: 4096 })),
          changedAreasCoverBytes: Type.Optional(Size),
          changedAreasPerPage: Type.Optional(Type.Integer({ minimum: 1 })),
          tokenLifetime: Type.Optional(Duration),
          snapshotLimit: Type.Optional(Type.Integer({ minimum: 1 })),
          mergeBytesPerSecond: Type.Optional(Type.Integer({ minimum: 0 })),
          isStrict204: Type.Optional(Type.Boolean()),
          taskDurations: Type.Optional(
            Type.Record(Type.String(), Duration, { description: 'Duration per kind of task' }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const EngineSettings = Type.Object(
  {
    login: Type.Optional(Type.Enum(['accessKey', 'password'])),
    lockTime: Type.Optional(Duration),
    renewEvery: Type.Optional(Duration),
    connections: Type.Optional(Type.Integer({ minimum: 1, maximum: 16 })),
    readBytes: Type.Optional(Size),
    requestTimeout: Type.Optional(Duration),
    busyWait: Type.Optional(Duration),
    verify: Type.Optional(Type.Boolean()),
    leaveCbtAlone: Type.Optional(Type.Boolean()),
  },
  closed,
);

const Trigger = Type.Object(
  {
    operation: Type.Optional(Type.String({ description: 'A REST operation of the contract' })),
    nbdBytes: Type.Optional(Size),
    storage: Type.Optional(Type.Enum(['write', 'sync', 'rename', 'remove'])),
    path: Type.Optional(Type.String({ description: 'Part of the path of the storage operation' })),
    elapsed: Type.Optional(Duration),
    nth: Type.Optional(Nth),
    side: Type.Optional(
      Type.Enum(['before', 'after'], { description: 'before: without effect; after: with it, unanswered' }),
    ),
  },
  { ...closed, description: 'One of operation, nbdBytes, storage, elapsed' },
);

const ErrorExpectation = Type.Object(
  {
    name: Type.Optional(Type.String({ description: 'Name of an error class in the chain of causes' })),
    code: Type.Optional(Type.String({ description: 'Code of an error in the chain of causes' })),
    contains: Type.Optional(Type.String({ description: 'Part of a message in the chain, any case' })),
  },
  { ...closed, minProperties: 1 },
);
const Result = Type.Enum(['success', 'failure']);
const Warnings = Type.Unsafe<'none' | readonly string[]>({
  anyOf: [{ const: 'none' }, { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }],
  description: 'none, or parts of the warnings that must be there (any case)',
});

const Backup = Type.Object(
  {
    server: Type.Optional(ServerName),
    as: Type.Optional(Name),
    full: Type.Optional(Type.Boolean()),
    expect: Type.Optional(
      Type.Object(
        {
          result: Type.Optional(Result),
          kind: Type.Optional(Type.Enum(['full', 'incremental'])),
          fullBecause: Type.Optional(
            Type.String({ description: 'Part of the reason; empty: no reason given' }),
          ),
          error: Type.Optional(ErrorExpectation),
          methods: Type.Optional(
            Type.Record(
              Type.String(),
              Type.Enum(['changed-areas', 'valid-areas', 'allocation', 'everything']),
            ),
          ),
          readBytes: Type.Optional(Type.Record(Type.String(), Bounds)),
          renewals: Type.Optional(Bounds),
          reconnects: Type.Optional(Bounds),
          warnings: Type.Optional(Warnings),
          takes: Type.Optional(
            Type.Object({ atLeast: Type.Optional(Duration), atMost: Type.Optional(Duration) }, closed),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const Restore = Type.Object(
  {
    point: Type.Optional(Type.String({ description: 'Name given by `as`; the last one when absent' })),
    to: Type.Optional(Type.String({ description: 'new, or the name of a stopped server; default new' })),
    newName: Type.Optional(Name),
    powerOn: Type.Optional(Type.Boolean()),
    expect: Type.Optional(
      Type.Object(
        {
          result: Type.Optional(Result),
          error: Type.Optional(ErrorExpectation),
          renewals: Type.Optional(Bounds),
          warnings: Type.Optional(Warnings),
          writtenBytes: Type.Optional(Type.Record(Type.String(), Bounds)),
        },
        closed,
      ),
    ),
  },
  closed,
);

const Cleanup = Type.Object(
  {
    expect: Type.Optional(
      Type.Object(
        {
          removed: Type.Optional(Type.Array(Type.Enum(['snapshot', 'backup-resource', 'server']))),
          warnings: Type.Optional(Warnings),
        },
        closed,
      ),
    ),
  },
  closed,
);

const Fault = Type.Object(
  {
    id: Name,
    on: Type.String({ description: 'A REST operation, * for all, or nbd' }),
    kind: Type.Enum([
      'error',
      'lose-reply',
      'lose-request',
      'delay',
      'cbt-expired',
      'expire-tokens',
      'expire-resource',
      'drop-after-bytes',
      'silence-after-bytes',
      'one-byte-at-a-time',
      'bad-certificate',
    ]),
    status: Type.Optional(Type.Integer({ minimum: 400, maximum: 599 })),
    message: Type.Optional(Type.String()),
    delay: Type.Optional(Duration),
    when: Type.Optional(Type.Enum(['before', 'after'])),
    bytes: Type.Optional(Size),
    flaw: Type.Optional(Type.Enum(['foreign-ca', 'expired', 'wrong-host'])),
    server: Type.Optional(ServerName),
    device: Type.Optional(Slot),
    after: Type.Optional(Count),
    times: Type.Optional(Count),
    mayMiss: Type.Optional(
      Type.Boolean({ description: 'The outcome counts even if it never fired; default false' }),
    ),
  },
  closed,
);

const Range = Type.Object(
  { server: Type.Optional(ServerName), disk: Type.Optional(Slot), at: Size, length: Size },
  closed,
);

const OnServer = Type.Object({ server: Type.Optional(ServerName) }, closed);

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
  storageFault: Type.Object(
    {
      id: Name,
      operation: Type.Enum(['write', 'sync', 'rename', 'remove']),
      path: Type.Optional(Type.String()),
      after: Type.Optional(Count),
      times: Type.Optional(Count),
    },
    closed,
  ),
  backup: Backup,
  restore: Restore,
  cleanup: Cleanup,
  verify: Type.Object({ problems: Type.Optional(Bounds) }, closed),
  kill: Type.Object(
    {
      when: Trigger,
      during: Type.Object(
        { backup: Type.Optional(Backup), restore: Type.Optional(Restore), cleanup: Type.Optional(Cleanup) },
        { ...closed, minProperties: 1, maxProperties: 1 },
      ),
      powerCut: Type.Optional(
        Type.Boolean({ description: 'The repository also loses what it had not synced; default false' }),
      ),
    },
    closed,
  ),
  check: Type.Object(
    {
      points: Type.Optional(Count),
      server: Type.Optional(ServerName),
      status: Type.Optional(Type.String()),
      snapshots: Type.Optional(Count),
      resources: Type.Optional(Count),
    },
    { ...closed, minProperties: 1 },
  ),
} as const;

const stepLimits = { ...closed, minProperties: 1, maxProperties: 1 } as const;
const PlainStep = Type.Object(Type.Partial(Type.Object(plainSteps)).properties, stepLimits);

const Step = Type.Object(
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

const JournalExpectation = Type.Object(
  {
    match: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      description: 'Fields of journal entries and the values they must have',
      minProperties: 1,
    }),
    count: Type.Optional(Bounds),
  },
  closed,
);

export const ScenarioSchema = Type.Object(
  {
    id: Type.String({
      pattern: '^S\\d{3}-[a-z0-9]+(-[a-z0-9]+)*$',
      description: 'Never used again for another',
    }),
    title: Type.String({ minLength: 10, maxLength: 120 }),
    stories: Type.Optional(Type.Array(Type.String({ pattern: '^F\\d{2}$' }), { minItems: 1 })),
    rule: Type.String({ minLength: 10, description: 'What a backup product must do' }),
    why: Type.String({ minLength: 10, description: 'What goes wrong in the field when it does not' }),
    engines: Type.Optional(Type.Array(Type.Enum(['nbd', 'nbdssl']), { minItems: 1 })),
    world: World,
    engine: Type.Optional(EngineSettings),
    steps: Type.Array(Step, { minItems: 1 }),
    expect: Type.Optional(
      Type.Object(
        {
          points: Type.Optional(Count),
          journal: Type.Optional(Type.Array(JournalExpectation, { minItems: 1 })),
          leftovers: Type.Optional(
            Type.Array(Type.Enum(['server', 'snapshot', 'backup-resource', 'task', 'connection'])),
          ),
        },
        closed,
      ),
    ),
  },
  { ...closed, title: 'backlot scenario', description: 'A story that a backup engine lives through' },
);

type StepFields = Required<Type.Static<typeof Step>>;
export type StepBodies = { readonly [Kind in keyof StepFields]: StepFields[Kind] };
export type StepKind = keyof StepBodies;
/** One step, as a file has it: an object with exactly one of the kinds. */
export type StepNode = Type.Static<typeof Step>;
export type Scenario = Type.Static<typeof ScenarioSchema>;
export type WorldNode = Type.Static<typeof World>;
export type EngineNode = Type.Static<typeof EngineSettings>;
export type TriggerNode = Type.Static<typeof Trigger>;
export type BoundsNode = Type.Static<typeof Bounds>;
export type ErrorNode = Type.Static<typeof ErrorExpectation>;
export type WarningsNode = Type.Static<typeof Warnings>;

/** Steps that are jobs of an engine, and what can be expected of them. */
import { Type } from 'typebox';
import {
  Bounds,
  closed,
  closedSome,
  Count,
  Duration,
  EngineName,
  Name,
  Nth,
  ServerName,
  Size,
  TransportName,
} from './words.ts';

export const Trigger = Type.Object(
  {
    operation: Type.Optional(Type.String({ description: 'A REST operation of the contract' })),
    dataBytes: Type.Optional(Size),
    device: Type.Optional(
      Type.Enum(['appears', 'vanishes'], { description: 'A hot-added device, in the guest of a proxy' }),
    ),
    storage: Type.Optional(Type.Enum(['write', 'sync', 'rename', 'remove'])),
    path: Type.Optional(Type.String({ description: 'Part of the path of the storage operation' })),
    elapsed: Type.Optional(Duration),
    checkpoint: Type.Optional(
      Type.String({ description: 'A step that the engine says it begins: transfer' }),
    ),
    event: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
        description: 'Fields of a journal entry and the values they must have',
        minProperties: 1,
      }),
    ),
    nth: Type.Optional(Nth),
    side: Type.Optional(
      Type.Enum(['before', 'after'], { description: 'before: without effect; after: with it, unanswered' }),
    ),
  },
  { ...closed, description: 'One of operation, dataBytes, device, storage, elapsed, checkpoint, event' },
);

export const ErrorExpectation = Type.Object(
  {
    name: Type.Optional(Type.String({ description: 'Name of an error class in the chain of causes' })),
    code: Type.Optional(Type.String({ description: 'Code of an error in the chain of causes' })),
    contains: Type.Optional(Type.String({ description: 'Part of a message in the chain, any case' })),
  },
  closedSome,
);
const Result = Type.Enum(['success', 'failure', 'either'], {
  description: 'either: it may fail, but only as a job does that clears up behind itself; default success',
});
export const Warnings = Type.Unsafe<'none' | readonly string[]>({
  anyOf: [{ const: 'none' }, { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }],
  description: 'none, or parts of the warnings that must be there (any case)',
});
const UsedTransport = Type.Enum(['nbd', 'nbdssl', 'hotadd'], {
  description: 'The data path that was used in the end',
});
const UsedProxy = Type.Unsafe<string | readonly string[]>({
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }],
  description: 'Name of the proxy that was used in the end, or names of which it is one',
});

const Method = Type.Enum(['changed-areas', 'valid-areas', 'allocation', 'everything']);

const BackupExpectation = Type.Object(
  {
    result: Type.Optional(Result),
    kind: Type.Optional(Type.Enum(['full', 'incremental'])),
    fullBecause: Type.Optional(Type.String({ description: 'Part of the reason; empty: no reason given' })),
    error: Type.Optional(ErrorExpectation),
    transport: Type.Optional(UsedTransport),
    proxy: Type.Optional(UsedProxy),
    methods: Type.Optional(
      Type.Record(Type.String(), Type.Union([Method, Type.Array(Method, { minItems: 1 })]), {
        description: 'How the blocks to read were found, or ways of which it is one',
      }),
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
);

export const Backup = Type.Object(
  {
    server: Type.Optional(ServerName),
    engine: Type.Optional(EngineName),
    transport: Type.Optional(TransportName),
    as: Type.Optional(Name),
    full: Type.Optional(Type.Boolean()),
    expect: Type.Optional(BackupExpectation),
  },
  closed,
);

const RestoreExpectation = Type.Object(
  {
    result: Type.Optional(Result),
    error: Type.Optional(ErrorExpectation),
    transport: Type.Optional(UsedTransport),
    proxy: Type.Optional(UsedProxy),
    differential: Type.Optional(Type.Boolean()),
    wholeBecause: Type.Optional(
      Type.String({ description: 'Part of the reason why it was not differential; empty: no reason given' }),
    ),
    renewals: Type.Optional(Bounds),
    warnings: Type.Optional(Warnings),
    writtenBytes: Type.Optional(Type.Record(Type.String(), Bounds)),
  },
  closed,
);

export const Restore = Type.Object(
  {
    point: Type.Optional(Type.String({ description: 'Name given by `as`; the last one when absent' })),
    to: Type.Optional(Type.String({ description: 'new, or the name of a stopped server; default new' })),
    engine: Type.Optional(EngineName),
    transport: Type.Optional(TransportName),
    differential: Type.Optional(
      Type.Boolean({
        description: 'Writes only where the server differs from the point, if that can be known',
      }),
    ),
    newName: Type.Optional(Name),
    powerOn: Type.Optional(Type.Boolean()),
    expect: Type.Optional(RestoreExpectation),
  },
  closed,
);

export const Cleanup = Type.Object(
  {
    engine: Type.Optional(EngineName),
    expect: Type.Optional(
      Type.Object(
        {
          removed: Type.Optional(
            Type.Array(Type.Enum(['snapshot', 'backup-resource', 'server', 'hot-added-disk', 'proxy'])),
          ),
          warnings: Type.Optional(Warnings),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const Unprotect = Type.Object(
  {
    server: Type.Optional(ServerName),
    engine: Type.Optional(EngineName),
    force: Type.Optional(Type.Boolean({ description: 'Also where tracking was on from the start' })),
    expect: Type.Optional(
      Type.Object(
        {
          result: Type.Optional(Result),
          error: Type.Optional(ErrorExpectation),
          outcome: Type.Optional(
            Type.Enum(['switched-off', 'already-off', 'left-as-found', 'server-gone'], {
              description: 'What the engine says that it did about the tracking of changes',
            }),
          ),
          disks: Type.Optional(
            Type.Array(Type.String(), { description: 'Those switched off, in any order' }),
          ),
          warnings: Type.Optional(Warnings),
        },
        closed,
      ),
    ),
  },
  closed,
);

export const Kill = Type.Object(
  {
    when: Trigger,
    engine: Type.Optional(EngineName),
    during: Type.Object(
      { backup: Type.Optional(Backup), restore: Type.Optional(Restore), cleanup: Type.Optional(Cleanup) },
      { ...closedSome, maxProperties: 1 },
    ),
    powerCut: Type.Optional(
      Type.Boolean({ description: 'The repository also loses what it had not synced; default false' }),
    ),
  },
  closed,
);

export const Verify = Type.Object(
  { engine: Type.Optional(EngineName), problems: Type.Optional(Bounds) },
  closed,
);

/** Points of whichever engine and data path that must hold the same bytes. */
export const Compare = Type.Object(
  { points: Type.Array(Type.String({ description: 'Name given by `as`' }), { minItems: 2 }) },
  closed,
);

export const Check = Type.Object(
  {
    engine: Type.Optional(EngineName),
    points: Type.Optional(Count),
    server: Type.Optional(ServerName),
    status: Type.Optional(Type.String()),
    snapshots: Type.Optional(Count),
    resources: Type.Optional(Count),
    hotAdded: Type.Optional(Type.Integer({ minimum: 0, description: 'Disks hot-added to the server' })),
    tracked: Type.Optional(
      Type.Array(Type.String(), {
        description: 'Slots of the disks whose changes are tracked, and no other',
      }),
    ),
  },
  closedSome,
);

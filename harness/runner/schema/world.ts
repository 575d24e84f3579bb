/** `world` of a scenario: what there is before the story begins, and what the engine is told about it. */
import { Type } from 'typebox';
import { Bounds, closed, Duration, Name, Size, Slot } from './words.ts';

const HostNumber = Type.Integer({ minimum: 1, maximum: 8, description: 'Counted from 1' });
const PowerState = Type.Enum(['running', 'stopped']);

const Disk = Type.Object(
  {
    slot: Slot,
    size: Size,
    cbt: Type.Optional(Type.Boolean({ description: 'Changed block tracking from the start; default true' })),
    datastore: Type.Optional(Type.String({ description: 'Name of a datastore; the first one when absent' })),
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

const Server = Type.Object(
  {
    name: Name,
    state: Type.Optional(PowerState),
    host: Type.Optional(HostNumber),
    disks: Type.Array(Disk, { minItems: 1 }),
  },
  closed,
);

const Proxy = Type.Object(
  {
    name: Name,
    host: Type.Optional(HostNumber),
    state: Type.Optional(PowerState),
    vmtools: Type.Optional(Type.Boolean({ description: 'The platform’s tools are installed; default true' })),
    disks: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 64, description: 'Disks of its own; default 1' }),
    ),
  },
  { ...closed, description: 'A VM that disks can be hot-added to' },
);

const Datastore = Type.Object(
  {
    name: Name,
    hosts: Type.Optional(
      Type.Array(HostNumber, { minItems: 1, description: 'Hosts that reach it; all when absent' }),
    ),
  },
  closed,
);

const Settings = Type.Object(
  {
    granularityBytes: Type.Optional(Type.Integer({ minimum: 4096 })),
    changedAreasCoverBytes: Type.Optional(Size),
    changedAreasPerPage: Type.Optional(Type.Integer({ minimum: 1 })),
    tokenLifetime: Type.Optional(Duration),
    snapshotLimit: Type.Optional(Type.Integer({ minimum: 1 })),
    mergeBytesPerSecond: Type.Optional(Type.Integer({ minimum: 0 })),
    isStrict204: Type.Optional(Type.Boolean()),
    isTlsOffered: Type.Optional(
      Type.Boolean({ description: 'Disks can be read over NBDSSL too; default true' }),
    ),
    diskLimit: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Disks that a VM may have, hot-added ones included' }),
    ),
    unplugTimeout: Type.Optional(Duration),
    taskDurations: Type.Optional(
      Type.Record(Type.String(), Duration, { description: 'Duration per kind of task' }),
    ),
  },
  closed,
);

export const World = Type.Object(
  {
    servers: Type.Array(Server, { minItems: 1 }),
    proxies: Type.Optional(
      Type.Array(Proxy, {
        description:
          'Left out, an engine that hot-adds finds one running proxy, proxy-1, which reaches everything',
      }),
    ),
    hosts: Type.Optional(HostNumber),
    datastores: Type.Optional(Type.Array(Datastore, { minItems: 1 })),
    poolVersion: Type.Optional(
      Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$', description: 'Version of the platform' }),
    ),
    settings: Type.Optional(Settings),
  },
  closed,
);

export const EngineSettings = Type.Object(
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
    proxies: Type.Optional(
      Type.Array(Name, { minItems: 1, description: 'Proxies that it may use; every one when absent' }),
    ),
    deviceWait: Type.Optional(Duration),
    maxDisksPerProxy: Type.Optional(Type.Integer({ minimum: 1 })),
    fallback: Type.Optional(
      Type.Enum(['nbd', 'nbdssl'], { description: 'Data path where no proxy can be used; none when absent' }),
    ),
  },
  closed,
);

export const JournalExpectation = Type.Object(
  {
    match: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
      description: 'Fields of journal entries and the values they must have',
      minProperties: 1,
    }),
    count: Type.Optional(Bounds),
  },
  closed,
);

/**
 * The driver protocol, version 1: how the harness gives a job to somebody else's engine.
 *
 * `exec`: the harness starts the engine's executable once per job, writes the job as one JSON document to its standard
 * input and closes it. The engine writes JSON lines to standard output; the last one is its result. Standard error is
 * for people. Exit code 0 goes with `"result":"ok"`, 1 with `"result":"failed"`; anything else is a crash.
 *
 * `http`: the same document is posted to the engine's URL; the answer is the same lines, as `application/x-ndjson`.
 */
import { Type, type Static } from 'typebox';

export const PROTOCOL_VERSION = 1;

const closed = { additionalProperties: false } as const;

/** Where the platform is and how to get in. */
const Platform = Type.Object(
  {
    scpUrl: Type.String({ description: 'base URL of the SCP OpenAPI' }),
    hciUrl: Type.Optional(Type.String({ description: 'base URL of the HCI OpenAPI' })),
    caFile: Type.String({ description: 'PEM file of the CA of both' }),
    nbdPort: Type.Integer({ description: 'TCP port of the NBD service on every host' }),
    credentials: Type.Union([
      Type.Object({ accessKey: Type.String(), secretKey: Type.String() }, closed),
      Type.Object({ username: Type.String(), password: Type.String() }, closed),
    ]),
  },
  closed,
);

/** A job: one JSON document. */
export const DriverJobSchema = Type.Object(
  {
    protocol: Type.Literal(PROTOCOL_VERSION),
    job: Type.String({ description: 'name of the job, for logs' }),
    operation: Type.Enum(['backup', 'incremental', 'restore', 'cleanup', 'unprotect'], {
      description:
        '`backup` is a full one; `incremental` takes what changed since the last point; `unprotect` (only where `disables-cbt` is declared): the server is not backed up any more',
    }),
    platform: Platform,
    transport: Type.Enum(['nbd', 'nbdssl', 'hotadd']),
    guestDir: Type.Optional(
      Type.String({ description: 'folder in which the disks of proxy guests appear, for hotadd' }),
    ),
    server: Type.Optional(
      Type.Object(
        { id: Type.String(), name: Type.String() },
        { ...closed, description: 'what to back up, or to protect no longer' },
      ),
    ),
    restore: Type.Optional(
      Type.Object(
        {
          point: Type.String({ description: 'id that the engine gave the restore point' }),
          to: Type.Union([
            Type.Object({ newName: Type.String() }, closed),
            Type.Object({ server: Type.String({ description: 'id of the server to write over' }) }, closed),
          ]),
        },
        closed,
      ),
    ),
    repository: Type.String({ description: "folder of the engine's own; kept between jobs of one story" }),
    timeScale: Type.Number({
      description: 'seconds of the platform per second of the wall; the engine divides its own waits by it',
    }),
  },
  closed,
);
export type DriverJob = Static<typeof DriverJobSchema>;

const LogLine = Type.Object({ type: Type.Literal('log'), message: Type.String() }, closed);

const ProgressLine = Type.Object(
  {
    type: Type.Literal('progress'),
    step: Type.String(),
    doneBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    totalBytes: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  closed,
);

const OkLine = Type.Object(
  {
    type: Type.Literal('result'),
    result: Type.Literal('ok'),
    point: Type.Optional(Type.String({ description: 'id of the restore point that a backup has made' })),
    mode: Type.Optional(Type.Enum(['full', 'incremental'])),
    server: Type.Optional(Type.String({ description: 'id of the server that a restore has written' })),
    readBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    warnings: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);
export type OkLine = Static<typeof OkLine>;

const FailedLine = Type.Object(
  { type: Type.Literal('result'), result: Type.Literal('failed'), error: Type.String() },
  closed,
);

/** By what stands in `type` and, for results, in `result`. */
export const LINE_SCHEMAS = { log: LogLine, progress: ProgressLine, ok: OkLine, failed: FailedLine } as const;

/** What an engine says: one JSON document per line. */
export const DriverLineSchema = Type.Union([LogLine, ProgressLine, OkLine, FailedLine]);
export type DriverLine = Static<typeof DriverLineSchema>;

/**
 * Engines that are right as long as nothing goes wrong: no scenario that runs smoothly tells them from sound ones. They
 * are what a sweep is for.
 */
import { readPointNotes } from '../../src/engine/point-notes.ts';
import type { BackupResult, Engine, EngineEnvironment } from '../../src/engine/engine-api.ts';
import { JobFailed } from '../../src/engine/job-failed.ts';
import { NbdConnectionLost } from '../../src/nbd/client/errors.ts';
import type { NbdClient } from '../../src/nbd/client/nbd-client-api.ts';
import type { HttpResponse } from '../../src/sdk/http-transport.ts';
import type { CreateEngine } from '../runner/seams.ts';
import { intercept, matchCall } from './http-edits.ts';
import { lockMadeAnew } from './lock-made-anew.ts';
import type { Mutant } from './mutant.ts';

const AUTHENTICATE = /\/authenticate$/;

export const FAILURE_PATH_MUTANTS: readonly Mutant[] = [
  {
    id: 'retry-skips-the-range',
    breaks: 'engine',
    title: 'goes on behind the range that it was reading when its connection was lost',
    killers: ['S017-connection-drops-in-mid-reply'],
    seams: () => ({
      connectNbd: (inner) => async (options, clock) =>
        skippingWhatWasLost(await inner({ ...options, retries: 0 }, clock)),
    }),
  },
  {
    id: 'lock-made-anew',
    breaks: 'engine',
    title: 'makes a lock anew that it has lost, and goes on with the handles of the old one',
    killers: ['S012-expiry-right-after-renewal', 'S038-preempted-by-the-platform'],
    seams: lockMadeAnew,
  },
  {
    id: 'token-never-renewed',
    breaks: 'engine',
    title: 'keeps the token of its first login, whatever the platform says of it',
    killers: ['S016-token-expires-in-mid-job'],
    seams: () => ({
      transport: (inner) => {
        let first: HttpResponse | undefined;
        return intercept(inner, async (request, pass) => {
          if (matchCall(request, 'POST', AUTHENTICATE) === undefined) return pass(request);
          if (first !== undefined) return first;
          const answer = await pass(request);
          if (answer.status < 300) first = answer;
          return answer;
        });
      },
    }),
  },
  {
    id: 'success-after-failed-verify',
    breaks: 'engine',
    title: 'says that all is well when it has found its own restore point wrong',
    killers: ['S085-wrong-bytes-found-by-verifying'],
    seams: () => ({ createEngine: withoutDoubt }),
  },
];

/** What was lost reads as an empty buffer; what comes after it is read. */
function skippingWhatWasLost(client: NbdClient): NbdClient {
  const read: NbdClient['read'] = (offset, length, signal) =>
    client.read(offset, length, signal).catch((error: unknown) => {
      if (error instanceof NbdConnectionLost && signal?.aborted !== true) return Buffer.alloc(length);
      throw error;
    });
  return new Proxy(client, {
    get(target, key) {
      if (key === 'read') return read;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function withoutDoubt(inner: CreateEngine): CreateEngine {
  return (environment, options): Engine => {
    const engine = inner(environment, options);
    return {
      backup: (job) => engine.backup(job).catch((error: unknown) => resultInSpiteOf(environment, error)),
      restore: (job) => engine.restore(job),
      unprotect: (job) => engine.unprotect(job),
      cleanup: () => engine.cleanup(),
    };
  };
}

/** The result of the point that was found wrong. */
async function resultInSpiteOf({ repository }: EngineEnvironment, error: unknown): Promise<BackupResult> {
  const wrong =
    error instanceof JobFailed ? /restore point (\S+) is wrong/.exec(error.message)?.[1] : undefined;
  const point = (await repository.points()).find(({ id }) => id === wrong);
  const notes = point === undefined ? undefined : readPointNotes(point.engine);
  if (point === undefined || notes === undefined) throw error;
  const { snapshotId, checkpointId, transport } = notes;
  return {
    pointId: point.id,
    kind: point.kind,
    fullBecause: '',
    server: { id: point.serverId, name: point.serverName },
    snapshotId,
    checkpointId: String(checkpointId),
    transport,
    disks: [],
    durationMs: 0,
    renewals: 0,
    reconnects: 0,
    warnings: [],
  };
}

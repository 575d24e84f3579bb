/** Engines that read or write less, more or elsewhere than they should. */
import { NbdConnectionLost } from '../../src/nbd/client/errors.ts';
import type { NbdClient } from '../../src/nbd/client/nbd-client-api.ts';
import { type DataNode, editData, intercept, matchCall, withQuery } from './http-edits.ts';
import type { Mutant } from './mutant.ts';
import { withMethods } from './nbd-edits.ts';

const CHANGED_AREAS = /\/cbt\/changed-areas$/;
const SNAPSHOT = /\/servers\/[^/]+\/snapshots\/[^/]+$/;

export const TRANSFER_MUTANTS: readonly Mutant[] = [
  {
    id: 'reads-only-half-of-an-area',
    breaks: 'engine',
    title: 'reads the first half of each piece, and takes the rest for zeros',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      connectNbd: (inner) => async (options, clock) => {
        const client = await inner(options, clock);
        return withMethods(client, {
          async read(offset, length, signal) {
            const half = await client.read(offset, length / 2, signal);
            return Buffer.concat([half, Buffer.alloc(length / 2)]);
          },
        });
      },
    }),
  },
  {
    id: 'reads-everything-every-time',
    breaks: 'engine',
    title: 'asks what has changed, and reads everything',
    killers: ['S094-little-has-changed'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          if (call === undefined || call.query.get('checkpoint_id') === '0') return response;
          return editData(response, (data) => ({ ...data, changed_area: [wholeOf(data)] }));
        }),
    }),
  },
  {
    id: 'forgets-the-last-disk',
    breaks: 'engine',
    title: 'backs up all disks but the last one',
    killers: ['S004-many-disks-cbt-on-some'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          return matchCall(request, 'GET', SNAPSHOT) === undefined
            ? response
            : editData(response, withoutTheLastDisk);
        }),
    }),
  },
  {
    id: 'loses-a-write',
    breaks: 'engine',
    title: 'does not write the third piece of a disk, and says that it did',
    killers: ['S030-restore-over-the-server'],
    engine: 'nbd',
    seams: () => ({
      connectNbd: (inner) => async (options, clock) => losing(await inner(options, clock)),
    }),
  },
  {
    id: 'takes-lost-writes-for-done',
    breaks: 'engine',
    title: 'goes on behind a write that was not acknowledged',
    killers: ['S091-connection-breaks-while-restoring'],
    engine: 'nbd',
    seams: () => ({
      connectNbd: (inner) => async (options, clock) =>
        believing(await inner({ ...options, retries: 0 }, clock)),
    }),
  },
  {
    id: 'never-flushes',
    breaks: 'engine',
    title: 'never says FLUSH',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      connectNbd: (inner) => async (options, clock) =>
        withMethods(await inner(options, clock), { flush: async () => undefined }),
    }),
  },
  {
    id: 'compares-with-another-checkpoint',
    breaks: 'engine',
    title: 'asks for the differences since the snapshot that it has just taken of the target',
    killers: ['S074-differential-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, { world }) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          // Only the target of a restore is off when it is asked about.
          if (call === undefined || world.servers.get(call.serverId).status !== 'stopped')
            return pass(request);
          const snapshot = world.snapshots.get(call.serverId, call.query.get('snapshot_id') ?? '');
          call.query.set('checkpoint_id', String(snapshot.checkpointId));
          return pass(withQuery(request, call));
        }),
    }),
  },
];

function wholeOf(data: DataNode): { start: unknown; length: unknown } {
  return { start: data['start_offset'], length: data['length'] };
}

function withoutTheLastDisk(data: DataNode): DataNode {
  const vmconf = data['vmconf'] as DataNode;
  const hardware = vmconf['hardware_option'] as DataNode;
  const disks = hardware['disks'] as readonly unknown[];
  return { ...data, vmconf: { ...vmconf, hardware_option: { ...hardware, disks: disks.slice(0, -1) } } };
}

function losing(client: NbdClient): NbdClient {
  let writes = 0;
  return withMethods(client, {
    write: async (...args) => {
      writes++;
      if (writes !== 3) await client.write(...args);
    },
  });
}

function believing(client: NbdClient): NbdClient {
  return withMethods(client, {
    write: (...args) =>
      client.write(...args).catch((error: unknown) => {
        if (!(error instanceof NbdConnectionLost)) throw error;
      }),
  });
}

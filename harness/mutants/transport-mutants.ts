/** Engines whose talk with the platform is wrong. */
import type { HttpRequest, HttpResponse } from '../../src/sdk/http-transport.ts';
import { TransportError } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import { type CallParts, editData, intercept, matchCall, success, withQuery } from './http-edits.ts';
import type { Mutant } from './mutant.ts';

const CHANGED_AREAS = /\/cbt\/changed-areas$/;
const RESOURCE = /\/backup-resources\/[^/]+$/;
const SNAPSHOTS = /\/servers\/[^/]+\/snapshots$/;
const SNAPSHOT = /\/servers\/[^/]+\/snapshots\/[^/]+$/;

export const TRANSPORT_MUTANTS: readonly Mutant[] = [
  {
    id: 'first-page-only',
    breaks: 'engine',
    title: 'takes the first page of changed areas for the whole list',
    killers: ['S005-paged-changed-areas', 'S006-paging-at-the-edges'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          const response = await pass(request);
          return call === undefined
            ? response
            : editData(response, (data) => ({ ...data, length: leftOf(hosted, call) }));
        }),
    }),
  },
  {
    id: 'paging-off-by-one',
    breaks: 'engine',
    title: 'asks for the next page one block too far',
    killers: ['S005-paged-changed-areas'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          const start = Number(call?.query.get('start_offset') ?? 0);
          const block = hosted.world.settings.granularityBytes;
          if (call === undefined || start === 0 || leftOf(hosted, call) <= block) return pass(request);
          call.query.set('start_offset', String(start + block));
          const response = await pass(withQuery(request, call));
          return editData(response, (data) => ({
            ...data,
            start_offset: start,
            length: Number(data['length']) + block,
          }));
        }),
    }),
  },
  {
    id: 'base-of-the-wrong-snapshot',
    breaks: 'engine',
    title: 'asks for changes since the snapshot that it has just taken',
    killers: ['S002-full-and-three-incrementals'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          if (call === undefined || call.query.get('checkpoint_id') === '0') return pass(request);
          const snapshot = hosted.world.snapshots.get(call.serverId, call.query.get('snapshot_id') ?? '');
          call.query.set('checkpoint_id', String(snapshot.checkpointId));
          return pass(withQuery(request, call));
        }),
    }),
  },
  {
    id: 'expired-means-unchanged',
    breaks: 'engine',
    title: 'takes an expired change list for an empty one',
    killers: ['S015-invalid-map-is-not-for-ever'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          const call = matchCall(request, 'GET', CHANGED_AREAS);
          if (call === undefined || response.status !== 400) return response;
          return success({ start_offset: 0, length: leftOf(hosted, call), changed_area: [] });
        }),
    }),
  },
  {
    id: 'never-renews',
    breaks: 'engine',
    title: 'believes that it renews its lock, and does not',
    killers: ['S008-lease-shorter-than-one-read'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) =>
          matchCall(request, 'PUT', RESOURCE) === undefined ? pass(request) : success(endedTask(hosted)),
        ),
    }),
  },
  {
    id: 'renews-between-blocks',
    breaks: 'engine',
    title: 'renews its lock only when a block has arrived',
    killers: ['S008-lease-shorter-than-one-read'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          if (matchCall(request, 'PUT', RESOURCE) !== undefined) await nextBlock(hosted);
          return pass(request);
        }),
    }),
  },
  {
    id: 'lost-answer-means-lost-lock',
    breaks: 'engine',
    title: 'gives the lock up when the answer to a renewal is missing',
    killers: ['S009-renewal-answers-lost'],
    seams: () => {
      let isLost = false;
      return {
        transport: (inner) =>
          intercept(inner, async (request, pass) => {
            if (isLost && matchCall(request, 'GET', RESOURCE)) return notFound();
            try {
              return await pass(request);
            } catch (error) {
              if (matchCall(request, 'PUT', RESOURCE) && error instanceof TransportError) isLost = true;
              throw error;
            }
          }),
      };
    },
  },
  {
    id: 'leaves-its-snapshot',
    breaks: 'engine',
    title: 'never deletes the snapshot',
    killers: ['S001-full-backup-and-restore'],
    seams: () => {
      const left = new Set<string>();
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            const call = matchCall(request, 'DELETE', SNAPSHOT);
            if (call !== undefined) {
              left.add(call.path.split('/').at(-1) ?? '');
              return success(endedTask(hosted));
            }
            const response = await pass(request);
            return matchCall(request, 'GET', SNAPSHOTS) === undefined
              ? response
              : withoutSnapshots(response, left);
          }),
      };
    },
  },
  {
    id: 'snapshot-before-resource',
    breaks: 'engine',
    title: 'deletes the snapshot before the backup resource that stands on it',
    killers: ['S001-full-backup-and-restore'],
    seams: () => {
      const held: HttpRequest[] = [];
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            const doomed = matchCall(request, 'DELETE', RESOURCE);
            if (doomed !== undefined && isForBackup(hosted, doomed)) {
              held.push(request);
              return success(endedTask(hosted));
            }
            const response = await pass(request);
            if (matchCall(request, 'DELETE', SNAPSHOT) !== undefined) {
              for (const late of held.splice(0)) await pass(late);
            }
            return answeringReleased(request, response, held.length > 0);
          }),
      };
    },
  },
  {
    id: 'removes-foreign-snapshots',
    breaks: 'engine',
    title: 'removes every snapshot of the server before it takes its own',
    killers: ['S033-own-leftovers-only'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'POST', SNAPSHOTS);
          const ids =
            call === undefined ? [] : hosted.world.snapshots.list(call.serverId).map(({ id }) => id);
          if (call !== undefined && ids.length > 0)
            hosted.world.snapshots.delete(call.serverId, ids, 'mutant');
          return pass(request);
        }),
    }),
  },
];

/** Bytes from the query's start to the end of its disk. */
export function leftOf(hosted: HostedWorld, { serverId, query }: CallParts): number {
  const disk = hosted.world.servers
    .get(serverId)
    .disks.find(({ deviceId }) => deviceId === query.get('disk_id'));
  return (disk?.sizeBytes ?? 0) - Number(query.get('start_offset') ?? 0);
}

/** The id of a task that has ended well, as the answer of something that never began. */
export function endedTask(hosted: HostedWorld): { task_id: string } {
  return { task_id: hosted.world.tasks.list().find(({ status }) => status === 'finish')?.id ?? '' };
}

/** What the engine hears of a resource whose removal it believes in. */
export function answeringReleased(
  request: HttpRequest,
  response: HttpResponse,
  isHeldBack: boolean,
): HttpResponse {
  const isGone = isHeldBack && matchCall(request, 'GET', RESOURCE) !== undefined;
  return isGone ? editData(response, (data) => ({ ...data, status: 'released' })) : response;
}

function isForBackup(hosted: HostedWorld, { path }: CallParts): boolean {
  const id = decodeURIComponent(path.split('/').at(-1) ?? '');
  return hosted.world.backupResources.list().some((one) => one.id === id && one.type === 'backup');
}

function nextBlock(hosted: HostedWorld): Promise<void> {
  return new Promise((resolve) => {
    const stop = hosted.world.journal.watch(({ type }) => {
      if (type !== 'nbd.reply' && type !== 'nbd.close') return;
      stop();
      resolve();
    });
  });
}

function notFound(): HttpResponse {
  const body = JSON.stringify({
    code: 404,
    message: 'The backup resource does not exist or has expired.',
    data: {},
  });
  return { status: 404, headers: { 'content-type': 'application/json' }, body };
}

function withoutSnapshots(response: HttpResponse, left: ReadonlySet<string>): HttpResponse {
  return editData(response, (data) => {
    const items: unknown = data;
    return Array.isArray(items) ? items.filter((item: { id: string }) => !left.has(item.id)) : data;
  });
}

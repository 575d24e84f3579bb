/** Engines that are hasty, careless or stubborn with snapshots and locks. */
import { sleep } from '../../src/kernel/clock.ts';
import type { HttpRequest, HttpResponse } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import {
  type DataNode,
  editData,
  intercept,
  matchCall,
  success,
  withPath,
  withRequestBody,
} from './http-edits.ts';
import type { Mutant } from './mutant.ts';
import { answeringReleased, endedTask } from './transport-mutants.ts';

const RESOURCES = /\/backup-resources$/;
const RESOURCE = /\/backup-resources\/[^/]+$/;
const SNAPSHOTS = /\/servers\/[^/]+\/snapshots$/;
const SNAPSHOT = /\/servers\/[^/]+\/snapshots\/[^/]+$/;
const A_MOMENT_MS = 100;
const TASK = /\/tasks\/[^/]+$/;

export const HOLDING_MUTANTS: readonly Mutant[] = [
  {
    id: 'does-not-wait-for-the-snapshot',
    breaks: 'engine',
    title: 'uses its snapshot as soon as the call was answered',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) =>
          believingDone(hosted, request, await pass(request), 'snapshot.create'),
        ),
    }),
  },
  {
    id: 'details-of-the-first-snapshot',
    breaks: 'engine',
    title: 'asks once for the details of a snapshot, and takes those of the later ones for the same',
    killers: ['S002-full-and-three-incrementals'],
    seams: () => {
      const known = new Map<string, HttpResponse>();
      return {
        transport: (inner) =>
          intercept(inner, async (request, pass) => {
            const call = matchCall(request, 'GET', SNAPSHOT);
            if (call === undefined) return pass(request);
            const id = call.path.split('/').at(-1) ?? '';
            const first = known.get(call.serverId);
            if (first !== undefined) return editData(first, (data) => ({ ...data, id }));
            const response = await pass(request);
            if (response.status < 300) known.set(call.serverId, response);
            return response;
          }),
      };
    },
  },
  {
    id: 'snapshots-without-a-name',
    breaks: 'engine',
    title: 'calls every snapshot "backup"',
    killers: ['S002-full-and-three-incrementals'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          if (matchCall(request, 'POST', SNAPSHOTS) === undefined) return pass(request);
          const body = JSON.parse(request.body ?? '{}') as DataNode;
          return pass(withRequestBody(hosted, request, { ...body, name: 'backup' }));
        }),
    }),
  },
  {
    id: 'never-lists-snapshots',
    breaks: 'engine',
    title: 'does not look which snapshots a server has before it adds one',
    killers: ['S001-full-backup-and-restore'],
    seams: () => {
      let isTaken = false;
      return {
        transport: (inner) =>
          intercept(inner, async (request, pass) => {
            if (matchCall(request, 'POST', SNAPSHOTS) !== undefined) isTaken = true;
            return !isTaken && matchCall(request, 'GET', SNAPSHOTS) !== undefined
              ? success([])
              : pass(request);
          }),
      };
    },
  },
  {
    id: 'renews-a-lost-lock',
    breaks: 'engine',
    title: 'tries to renew a lock of which it was told that it is gone',
    killers: ['S012-expiry-right-after-renewal'],
    seams: () => ({
      transport: (inner, hosted) => {
        const renewals = new Map<string, HttpRequest>();
        return intercept(inner, async (request, pass) => {
          if (matchCall(request, 'PUT', RESOURCE) !== undefined) renewals.set(request.path, request);
          const response = await pass(request);
          const renewal = renewals.get(request.path);
          const isGone = response.status === 404 || statusIn(response) === 'expired';
          if (renewal === undefined || !isGone || matchCall(request, 'GET', RESOURCE) === undefined)
            return response;
          await sleep(hosted.world.clock, A_MOMENT_MS);
          await pass(renewal);
          return response;
        });
      },
    }),
  },
  {
    id: 'renews-every-five-minutes',
    breaks: 'engine',
    title: 'asks for a longer lock and renews it every five minutes only',
    killers: ['S016-token-expires-in-mid-job'],
    seams: () => ({
      options: (options) => ({ ...options, lockTimeSeconds: 1200, renewEverySeconds: 300 }),
    }),
  },
  {
    id: 'opens-exports-of-the-old-lock',
    breaks: 'engine',
    title: 'goes back to the exports of its first lock when it has made a second one',
    killers: ['S012-expiry-right-after-renewal'],
    seams: () => {
      const first = new Map<string, string>();
      return {
        connectNbd: (inner) => (options, clock) => {
          const device = options.exportName.slice(options.exportName.lastIndexOf('/'));
          const exportName = first.get(device) ?? options.exportName;
          first.set(device, exportName);
          return inner({ ...options, exportName }, clock);
        },
      };
    },
  },
  {
    id: 'locks-for-a-day',
    breaks: 'engine',
    title: 'asks for a lock of a whole day',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          if (matchCall(request, 'POST', RESOURCES) === undefined) return pass(request);
          const body = JSON.parse(request.body ?? '{}') as DataNode;
          return pass(withRequestBody(hosted, request, { ...body, lock_time: 86_400 }));
        }),
    }),
  },
  {
    id: 'does-not-wait-for-the-lock',
    breaks: 'engine',
    title: 'opens the disks as soon as the call for the lock was answered',
    killers: ['S001-full-backup-and-restore'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          if (matchCall(request, 'GET', RESOURCE) !== undefined && statusIn(response) === 'pending')
            return editData(response, (data) => ({ ...data, status: 'running' }));
          return believingDone(hosted, request, response, 'backup-resource.create');
        }),
    }),
  },
  {
    id: 'leaves-its-lock',
    breaks: 'engine',
    title: 'leaves its lock to run out',
    killers: ['S001-full-backup-and-restore'],
    seams: () => {
      let isLeft = false;
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            if (matchCall(request, 'DELETE', RESOURCE) !== undefined) {
              isLeft = true;
              return success(endedTask(hosted));
            }
            return answeringReleased(request, await pass(request), isLeft);
          }),
      };
    },
  },
  {
    id: 'unlocks-while-reading',
    breaks: 'engine',
    title: 'gives its lock back as soon as it has asked for the first block',
    killers: ['S001-full-backup-and-restore'],
    seams: () => {
      const unlocked = new Set<string>();
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            const call = matchCall(request, 'GET', RESOURCE);
            const response = await pass(request);
            if (call === undefined || unlocked.has(call.path) || statusIn(response) !== 'running')
              return response;
            unlocked.add(call.path);
            atFirstRead(hosted, () => {
              pass(withPath(hosted, { ...request, method: 'DELETE' }, call.path)).catch(() => undefined);
            });
            return response;
          }),
      };
    },
  },
];

/** What a task of this kind answers to somebody who does not wait for it. */
function believingDone(
  { world }: HostedWorld,
  request: HttpRequest,
  response: HttpResponse,
  action: string,
): HttpResponse {
  const call = matchCall(request, 'GET', TASK);
  const task = world.tasks.list().find(({ id }) => call?.path.endsWith(id) === true);
  if (task?.action !== action) return response;
  return editData(response, (data) => ({ ...data, status: 'finish', progress: 100 }));
}

function statusIn({ status, body }: HttpResponse): unknown {
  if (status >= 300) return undefined;
  return (JSON.parse(body) as { data: DataNode }).data['status'];
}

function atFirstRead({ world }: HostedWorld, act: () => void): void {
  const stop = world.journal.watch((entry) => {
    if (entry.type !== 'nbd.request' || !entry.command.includes('READ')) return;
    stop();
    act();
  });
}

/** Engines whose HotAdd calls are wrong. */
import type { HttpRequest, HttpResponse } from '../../src/sdk/http-transport.ts';
import { createClassifier } from '../explore/race-actors.ts';
import type { CreateEngine } from '../runner/seams.ts';
import { type DataNode, editData, intercept, matchCall, success, withRequestBody } from './http-edits.ts';
import { addedBy, HOT_ADD_PATH, HOT_REMOVE_PATH, isTaskQuery, removedBy } from './hotadd-calls.ts';
import { saysRaceLost } from './ignored-race.ts';
import type { Mutant } from './mutant.ts';
import { endedTask } from './transport-mutants.ts';

const SERVER = /\/servers\/[^/]+$/;
const STOP = /\/servers\/[^/]+\/stop$/;
const RESOURCE = /\/backup-resources\/[^/]+$/;

export const HOTADD_CALL_MUTANTS: readonly Mutant[] = [
  {
    id: 'hotadd-without-queue',
    breaks: 'engine',
    title: 'has no queue for a proxy: every job calls when it is ready, and a lost race is an error',
    killers: ['S045-eight-servers-over-two-proxies', 'S044-two-engines-on-one-proxy'],
    seams: () => ({
      createEngine: oneEnginePerJob,
      transport: (inner) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          if (!isTaskQuery(request)) return response;
          return editData(response, (data) =>
            saysRaceLost(data) ? { ...data, description: `Failed. ${String(data['description'])}` } : data,
          );
        }),
    }),
  },
  {
    id: 'one-task-per-disk',
    breaks: 'engine',
    title: 'adds every disk in a call of its own, all at once',
    killers: ['S067-many-small-disks'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          if (matchCall(request, 'POST', HOT_ADD_PATH) === undefined) return pass(request);
          const { disks } = JSON.parse(request.body ?? '{}') as { disks: readonly unknown[] };
          const [first, ...others] = disks.map((disk, at) =>
            withRequestBody(hosted, request, { disks: [disk] }, `-${at}`),
          );
          const answer = pass(first ?? request);
          await Promise.all([answer, ...others.map(pass)]);
          return answer;
        }),
    }),
  },
  {
    id: 'never-detaches',
    breaks: 'engine',
    title: 'leaves the detaching of its disks to the platform',
    killers: ['S044-two-engines-on-one-proxy'],
    seams: () => {
      const left = new Set<string>();
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            for (const id of removedBy(request)) left.add(id);
            if (matchCall(request, 'POST', HOT_ADD_PATH) !== undefined) left.clear();
            if (removedBy(request).length > 0) return success(endedTask(hosted));
            return hideDisks(request, await pass(request), (disk) => left.has(String(disk['disk_id'])));
          }),
      };
    },
  },
  {
    id: 'resource-before-detach',
    breaks: 'engine',
    title: 'deletes the backup resource before it detaches the disks that stand on it',
    killers: ['S044-two-engines-on-one-proxy'],
    seams: () => {
      const late: HttpRequest[] = [];
      const left = new Set<string>();
      return {
        transport: (inner, hosted) =>
          intercept(inner, async (request, pass) => {
            if (removedBy(request).length > 0) {
              late.push(request);
              for (const id of removedBy(request)) left.add(id);
              return success(endedTask(hosted));
            }
            const response = await pass(request);
            if (matchCall(request, 'DELETE', RESOURCE) !== undefined) {
              left.clear();
              for (const removal of late.splice(0)) await pass(removal);
            }
            return hideDisks(request, response, (disk) => left.has(String(disk['disk_id'])));
          }),
      };
    },
  },
  {
    id: 'detaches-disks-of-others',
    breaks: 'engine',
    title: 'removes every hot-added disk that the proxy has',
    killers: ['S064-proxy-in-use-by-others'],
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'POST', HOT_REMOVE_PATH);
          if (call === undefined) return pass(request);
          const all = hosted.world.hotAdd.list(call.serverId).map(({ id }) => id);
          return pass(withRequestBody(hosted, request, { action: 'delete', disk_ids: all }));
        }),
    }),
  },
  {
    id: 'powers-off-a-busy-proxy',
    breaks: 'engine',
    title: 'powers a proxy off without looking whether others use it',
    killers: ['S064-proxy-in-use-by-others'],
    seams: () => ({
      transport: (inner) => {
        const own = new Set<string>();
        return intercept(inner, async (request, pass) => {
          for (const id of addedBy(request)) own.add(id);
          return hideDisks(request, await pass(request), (disk) => !own.has(String(disk['disk_id'])));
        });
      },
    }),
  },
  {
    id: 'never-powers-off',
    breaks: 'engine',
    title: 'leaves a proxy running that it has started',
    killers: ['S063-proxy-started-for-the-job'],
    seams: () => ({
      transport: (inner, hosted) => {
        const classify = createClassifier(hosted.world);
        return intercept(inner, async (request, pass) =>
          matchCall(request, 'POST', STOP) !== undefined && classify(request)?.act === 'off'
            ? success(endedTask(hosted))
            : pass(request),
        );
      },
    }),
  },
];

/** Jobs that share nothing: neither a queue nor the knowledge of what others do. */
function oneEnginePerJob(inner: CreateEngine): CreateEngine {
  return (environment, options) => ({
    backup: (job) => inner(environment, options).backup(job),
    restore: (job) => inner(environment, options).restore(job),
    unprotect: (job) => inner(environment, options).unprotect(job),
    cleanup: () => inner(environment, options).cleanup(),
  });
}

/** A server's configuration without those of its hot-added disks. */
function hideDisks(
  request: HttpRequest,
  response: HttpResponse,
  isHidden: (disk: DataNode) => boolean,
): HttpResponse {
  if (matchCall(request, 'GET', SERVER) === undefined) return response;
  return editData(response, (data) => {
    const disks = data['disks'] as readonly DataNode[] | undefined;
    if (disks === undefined) return data;
    const shown = disks.filter((disk) => disk['application_type'] === 'normal' || !isHidden(disk));
    return { ...data, disks: shown };
  });
}

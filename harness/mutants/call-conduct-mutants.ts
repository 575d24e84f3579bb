/** Engines that ask too often, too soon or for too much, or touch what they should leave alone. */
import { sleep } from '../../src/kernel/clock.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import {
  editData,
  intercept,
  matchCall,
  success,
  withPath,
  withQuery,
  withRequestBody,
} from './http-edits.ts';
import type { Mutant } from './mutant.ts';

const RESOURCES = /\/backup-resources$/;
const SNAPSHOTS = /\/servers\/[^/]+\/snapshots$/;
const SNAPSHOT = /\/servers\/[^/]+\/snapshots\/[^/]+$/;
const CONFIG = /\/servers\/config$/;
const TASK = /\/tasks\/[^/]+$/;
const ANY = /./;

export const CALL_CONDUCT_MUTANTS: readonly Mutant[] = [
  {
    id: 'repeats-at-once',
    breaks: 'engine',
    title: 'repeats a call that the platform cannot take now at once, three times',
    killers: ['S095-call-limit-reached', 'S092-platform-unavailable-for-a-while'],
    engine: 'nbd',
    seams: () => ({ transport: (inner) => insisting(inner, (status) => status === 429 || status >= 500) }),
  },
  {
    id: 'insists-without-pause',
    breaks: 'engine',
    title: 'repeats a call that was refused at once, three times',
    killers: ['S027-server-busy-with-a-task'],
    engine: 'nbd',
    seams: () => ({ transport: (inner) => insisting(inner, (status) => status === 400) }),
  },
  {
    id: 'polls-without-pause',
    breaks: 'engine',
    title: 'asks for a task a hundred times where once would do',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner) =>
        intercept(inner, async (request, pass) => {
          if (matchCall(request, 'GET', TASK) === undefined) return pass(request);
          for (let more = 1; more < 100; more++) await pass(request);
          return pass(request);
        }),
    }),
  },
  {
    id: 'asks-for-no-task',
    breaks: 'engine',
    title: 'waits as long as a task usually takes, and never asks for it',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'GET', TASK);
          if (call === undefined) return pass(request);
          const id = call.path.split('/').at(-1) ?? '';
          await untilEnded(hosted, id);
          return success({ task_id: id, action: '', status: 'finish', progress: 100, description: '' });
        }),
    }),
  },
  {
    id: 'asks-for-pages-of-a-thousand',
    breaks: 'engine',
    title: 'asks for a thousand items at once',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner) =>
        intercept(inner, (request, pass) => {
          const call = matchCall(request, 'GET', ANY);
          if (call?.query.has('page_size') !== true) return pass(request);
          call.query.set('page_size', '1000');
          return pass(withQuery(request, call));
        }),
    }),
  },
  {
    id: 'deletes-every-snapshot',
    breaks: 'engine',
    title: 'deletes what snapshots the server has before it takes its own',
    killers: ['S033-own-leftovers-only'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'POST', SNAPSHOTS);
          for (const { id } of call === undefined ? [] : hosted.world.snapshots.list(call.serverId))
            await pass(
              deletionOf(hosted, request, `/janus/20180725/servers/${call?.serverId ?? ''}/snapshots/${id}`),
            );
          return pass(request);
        }),
    }),
  },
  {
    id: 'deletes-the-server-it-restores',
    breaks: 'engine',
    title: 'deletes the server of a restore point before it makes a new one of it',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const [old] = hosted.world.servers.list();
          if (matchCall(request, 'POST', CONFIG) !== undefined && old !== undefined)
            await pass(deletionOf(hosted, request, `/janus/20180725/servers/${old.id}`));
          return pass(request);
        }),
    }),
  },
  {
    id: 'stops-what-it-backs-up',
    breaks: 'engine',
    title: 'shuts a server down before it backs it up',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const call = matchCall(request, 'POST', RESOURCES);
          if (call !== undefined && typeIn(request) === 'backup')
            await pass(powerCallOf(hosted, request, serverIn(request), 'stop'));
          return pass(request);
        }),
    }),
  },
  {
    id: 'never-looks-again',
    breaks: 'engine',
    title: 'takes a deletion that was accepted for done',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => {
      let isDeleted = false;
      return {
        transport: (inner) =>
          intercept(inner, async (request, pass) => {
            if (matchCall(request, 'POST', SNAPSHOTS) !== undefined) isDeleted = false;
            if (isDeleted && matchCall(request, 'GET', SNAPSHOTS) !== undefined) return success([]);
            const response = await pass(request);
            if (matchCall(request, 'DELETE', SNAPSHOT) !== undefined && response.status < 300)
              isDeleted = true;
            return response;
          }),
      };
    },
  },
  {
    id: 'starts-the-target-first',
    breaks: 'engine',
    title: 'starts the server before it locks it for a restore',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          if (isRestoreLock(request)) {
            const answer = await pass(powerCallOf(hosted, request, serverIn(request), 'start'));
            await untilEnded(hosted, taskIn(answer));
          }
          return pass(request);
        }),
    }),
  },
  {
    id: 'starts-the-target-too-early',
    breaks: 'engine',
    title: 'starts the server as soon as it has locked it for a restore',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          if (isRestoreLock(request)) await pass(powerCallOf(hosted, request, serverIn(request), 'start'));
          return response;
        }),
    }),
  },
];

function insisting(inner: HttpTransport, isSuch: (status: number) => boolean): HttpTransport {
  return intercept(inner, async (request, pass) => {
    let response = await pass(request);
    for (let times = 0; times < 3 && isSuch(response.status); times++) response = await pass(request);
    return response;
  });
}

async function untilEnded({ world }: HostedWorld, taskId: string): Promise<void> {
  const isAtWork = (): boolean =>
    world.tasks
      .list()
      .some(({ id, status }) => id === taskId && (status === 'waiting' || status === 'doing'));
  while (isAtWork()) await sleep(world.clock, 100);
}

function bodyOf(request: HttpRequest): { readonly server_id?: string; readonly type?: string } {
  return JSON.parse(request.body ?? '{}') as { server_id?: string; type?: string };
}

const typeIn = (request: HttpRequest): string => bodyOf(request).type ?? '';
const serverIn = (request: HttpRequest): string => bodyOf(request).server_id ?? '';

function isRestoreLock(request: HttpRequest): boolean {
  return matchCall(request, 'POST', RESOURCES) !== undefined && typeIn(request) === 'restore';
}

function taskIn(response: HttpResponse): string {
  let id = '';
  editData(response, ({ task_id }) => {
    id = String(task_id);
  });
  return id;
}

function deletionOf(
  hosted: HostedWorld,
  { body: _body, ...request }: HttpRequest,
  path: string,
): HttpRequest {
  const { 'X-Client-Token': _token, ...headers } = request.headers;
  return withPath(hosted, { ...request, method: 'DELETE', headers }, path);
}

function powerCallOf(
  hosted: HostedWorld,
  request: HttpRequest,
  id: string,
  act: 'start' | 'stop',
): HttpRequest {
  const path = `/janus/20180725/servers/${id}/${act}`;
  return withRequestBody(hosted, { ...request, path }, act === 'stop' ? { force: 1 } : {}, `-${act}`);
}

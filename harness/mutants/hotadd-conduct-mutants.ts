/** Engines that use proxies otherwise than they should, often with the right bytes in the end. */
import type { HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import type { ConnectProxy, OpenDisk, ProxyAgent } from '../../src/engine/proxy-agent.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import { addedBy, HOT_ADD_PATH, isTaskQuery, removedBy } from './hotadd-calls.ts';
import { type DataNode, editData, intercept, matchCall, withRequestBody } from './http-edits.ts';
import type { Mutant } from './mutant.ts';

const SERVERS = /\/servers$/;
const STORAGES = /\/storages$/;

export const HOTADD_CONDUCT_MUTANTS: readonly Mutant[] = [
  {
    id: 'adds-before-the-proxy-runs',
    breaks: 'engine',
    title: 'adds disks to a proxy as soon as it has called for its start',
    killers: ['S063-proxy-started-for-the-job'],
    engine: 'hotadd',
    seams: () => ({ transport: takingStartsForDone, connectProxy: notWaitingForGuests }),
  },
  {
    id: 'takes-any-proxy',
    breaks: 'engine',
    title: 'takes the first proxy, whatever its host reaches',
    killers: ['S061-proxy-that-reaches-the-disks'],
    engine: 'hotadd',
    seams: () => ({
      transport: (inner) =>
        intercept(inner, async (request, pass) => {
          const response = await pass(request);
          return matchCall(request, 'GET', STORAGES) === undefined
            ? response
            : editData(response, reachedByAll);
        }),
    }),
  },
  {
    id: 'insists-on-all-disks',
    breaks: 'engine',
    title: 'asks three times more for all disks at once where there is no room for them',
    killers: ['S052-more-disks-than-slots'],
    engine: 'hotadd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, async (request, pass) => {
          let response = await pass(request);
          if (matchCall(request, 'POST', HOT_ADD_PATH) === undefined) return response;
          for (let times = 1; times <= 3 && response.status === 400; times++) {
            const body: unknown = JSON.parse(request.body ?? '{}');
            response = await pass(withRequestBody(hosted, request, body, `-${times}`));
          }
          return response;
        }),
    }),
  },
  {
    id: 'adds-the-live-disk',
    breaks: 'engine',
    title: 'asks for the disk itself where it wants to back up',
    killers: ['S001-full-backup-and-restore'],
    engine: 'hotadd',
    seams: () => ({
      transport: (inner, hosted) =>
        intercept(inner, (request, pass) => {
          if (matchCall(request, 'POST', HOT_ADD_PATH) === undefined) return pass(request);
          const { disks } = JSON.parse(request.body ?? '{}') as { disks: readonly DataNode[] };
          const live = disks.map(({ snapshot_id: _none, ...disk }) => ({
            ...disk,
            application_type: 'restore',
          }));
          return pass(withRequestBody(hosted, request, { disks: live }));
        }),
    }),
  },
  {
    id: 'sniffs-at-every-device',
    breaks: 'engine',
    title: 'reads the first sector of every device to find its own',
    killers: ['S043-race-lost-to-a-stranger'],
    engine: 'hotadd',
    seams: () => ({
      connectProxy: (inner) =>
        withDisks(inner, async (disk, { agent, signal }) => {
          for (const { name } of await agent.devices(signal)) {
            const other = await agent.open(name, { write: false, signal });
            await other.read(0, 512, signal);
            await other.close();
          }
          return disk;
        }),
    }),
  },
  {
    id: 'writes-to-the-clone',
    breaks: 'engine',
    title: 'leaves a mark in the last sector of the clone that it has read',
    killers: ['S001-full-backup-and-restore'],
    engine: 'hotadd',
    seams: () => ({
      connectProxy: (inner) =>
        withDisks(inner, async (disk, { agent, name, signal }) => {
          const writable = await agent.open(name, { write: true, signal });
          const at = writable.info.sizeBytes - 512;
          await writable.write(at, await writable.read(at, 512, signal), {}, signal).catch(() => undefined);
          await writable.close();
          return disk;
        }),
    }),
  },
  {
    id: 'reads-on-after-the-removal',
    breaks: 'engine',
    title: 'reads once more from a device whose removal it has asked for',
    killers: ['S001-full-backup-and-restore'],
    engine: 'hotadd',
    seams: () => {
      let last: OpenDisk | undefined;
      return {
        connectProxy: (inner) =>
          withDisks(inner, async (disk, { agent, name, signal }) => {
            last = await agent.open(name, { write: false, signal });
            return disk;
          }),
        transport: (inner) =>
          intercept(inner, async (request, pass) => {
            const response = await pass(request);
            if (removedBy(request).length > 0) await last?.read(0, 512).catch(() => undefined);
            return response;
          }),
      };
    },
  },
];

/** The task of a start is over, and the server runs, as soon as somebody asks. */
function takingStartsForDone(inner: HttpTransport, { world }: HostedWorld): HttpTransport {
  return intercept(inner, async (request, pass) => {
    if (addedBy(request).length > 0) return pass(request);
    const response = await pass(request);
    if (isTaskQuery(request)) {
      const task = world.tasks.list().find(({ id }) => request.path.endsWith(id));
      return task?.action === 'start' ? ended(response) : response;
    }
    return matchCall(request, 'GET', SERVERS) === undefined ? response : editData(response, running);
  });
}

/** A guest that does not answer yet counts as one that shows nothing. */
function notWaitingForGuests(inner: ConnectProxy): ConnectProxy {
  return async (proxy, until) => {
    const agent = (signal: AbortSignal): Promise<ProxyAgent> => inner(proxy, signal);
    return {
      devices: async (signal) =>
        agent(signal)
          .then((there) => there.devices(signal))
          .catch(() => []),
      open: async (name, options) => (await agent(until)).open(name, options),
      close: async () => undefined,
    };
  };
}

function ended(response: HttpResponse): HttpResponse {
  return editData(response, (data) => ({ ...data, status: 'finish', progress: 100 }));
}

function running(list: DataNode): DataNode {
  const items = (list['data'] ?? []) as readonly DataNode[];
  return {
    ...list,
    data: items.map((item) => (item['status'] === 'starting' ? { ...item, status: 'running' } : item)),
  };
}

function reachedByAll(list: DataNode): DataNode {
  const items = (list['data'] ?? []) as readonly DataNode[];
  const hosts = [...new Set(items.flatMap((item) => item['host_ids'] as readonly string[]))];
  return { ...list, data: items.map((item) => ({ ...item, host_ids: hosts })) };
}

interface Opening {
  readonly agent: ProxyAgent;
  readonly name: string;
  readonly signal: AbortSignal;
}

/** `change` is told of every device that is opened for reading. */
function withDisks(
  inner: ConnectProxy,
  change: (disk: OpenDisk, opening: Opening) => Promise<OpenDisk>,
): ConnectProxy {
  return async (proxy, until) => {
    const agent = await inner(proxy, until);
    return {
      devices: (signal) => agent.devices(signal),
      async open(name, options) {
        const disk = await agent.open(name, options);
        return options.write ? disk : change(disk, { agent, name, signal: options.signal });
      },
      close: () => agent.close(),
    };
  };
}

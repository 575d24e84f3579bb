/**
 * An engine that makes a lost lock anew and goes on with what it had: the rest of it still holds the id of the first
 * one, so the second is never given back.
 */
import { sleep } from '../../src/kernel/clock.ts';
import type { NbdClient, NbdClientOptions } from '../../src/nbd/client/nbd-client-api.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import type { Seams } from '../runner/seams.ts';
import { type DataNode, intercept, matchCall, withPath, withRequestBody } from './http-edits.ts';

const RESOURCE = /\/backup-resources\/(?!supports$)[^/]+$/;
const RESOURCES = /\/backup-resources$/;
const HOLDS: ReadonlySet<string> = new Set(['running', 'pending']);
const OPEN_ATTEMPTS = 10;
const PAUSE_MS = 1000;

type ConnectNbd = NonNullable<Seams['connectNbd']>;
type Clock = Parameters<ReturnType<ConnectNbd>>[1];

/** What both seams of one run know. */
interface Locks {
  /** The resource that stands for one that was lost, by the id that the engine knows. */
  readonly standIns: Map<string, string>;
  /** Makes one; the engine's process at work sets it. */
  makeAnew: (id: string) => Promise<void>;
}

export function lockMadeAnew(): Seams {
  const locks: Locks = { standIns: new Map(), makeAnew: async () => {} };
  return {
    transport: (inner, hosted) => makingAnew(inner, hosted, locks),
    connectNbd: (inner) => (options, clock) => readingOn(inner, options, clock, locks),
  };
}

function makingAnew(inner: HttpTransport, hosted: HostedWorld, locks: Locks): HttpTransport {
  let creation: HttpRequest | undefined;
  let lastHeld: HttpResponse | undefined;
  const released = new Set<string>();
  locks.makeAnew = async (id) => {
    if (creation === undefined || lastHeld === undefined || locks.standIns.has(id)) return;
    const again = withRequestBody(hosted, creation, JSON.parse(creation.body ?? '{}'), '-anew');
    const made = await inner.send(again);
    if (made.status < 300) locks.standIns.set(id, String(dataOf(made)['resource_id']));
  };
  return intercept(inner, async (request, pass) => {
    if (matchCall(request, 'POST', RESOURCES) !== undefined) creation = request;
    const call = matchCall(request, request.method, RESOURCE);
    if (call === undefined) return pass(request);
    const id = decodeURIComponent(call.path.split('/').at(-1) ?? '');
    if (request.method === 'DELETE') released.add(id);
    if (released.has(id)) return pass(request);
    const known = encodeURIComponent(locks.standIns.get(id) ?? id);
    const response = await pass(withPath(hosted, request, call.path.replace(/[^/]+$/, known)));
    if (request.method !== 'GET') return response;
    const status = response.status < 300 ? String(dataOf(response)['status']) : '';
    if (status === 'running') lastHeld = response;
    if (HOLDS.has(status)) return lastHeld ?? response;
    await locks.makeAnew(id);
    return (locks.standIns.has(id) ? lastHeld : undefined) ?? response;
  });
}

/** Opens the disk of the new lock where the old one's is gone. */
async function readingOn(
  connect: Parameters<ConnectNbd>[0],
  options: NbdClientOptions,
  clock: Clock,
  locks: Locks,
): Promise<NbdClient> {
  let client = await connect(options, clock);
  const read: NbdClient['read'] = (...range) =>
    client.read(...range).catch(async (error: unknown) => {
      client = await reopen(connect, options, clock, locks).catch(() => Promise.reject(error));
      return client.read(...range);
    });
  return new Proxy(client, {
    get(_, key) {
      if (key === 'read') return read;
      const value: unknown = Reflect.get(client, key, client);
      return typeof value === 'function' ? value.bind(client) : value;
    },
  });
}

async function reopen(
  connect: Parameters<ConnectNbd>[0],
  options: NbdClientOptions,
  clock: Clock,
  { standIns, makeAnew }: Locks,
): Promise<NbdClient> {
  const slash = options.exportName.lastIndexOf('/');
  const id = options.exportName.slice(0, slash);
  await makeAnew(id);
  const exportName = `${standIns.get(id) ?? id}${options.exportName.slice(slash)}`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await connect({ ...options, exportName }, clock);
    } catch (error) {
      if (attempt === OPEN_ATTEMPTS) throw error;
      await sleep(clock, PAUSE_MS, options.signal);
    }
  }
}

function dataOf({ body }: HttpResponse): DataNode {
  return (JSON.parse(body) as { data: DataNode }).data;
}

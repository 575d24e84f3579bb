/**
 * Stands between an engine and a live platform, and lets nothing through that could touch what is not the run's own.
 *
 * Reads and logins pass. A call that changes something passes only if it is one of a short list, and then only on a
 * server that the user has named, or on a thing that this run has made: the guard remembers the ids that the platform
 * has answered, and before each deletion asks the platform whether the thing still bears the run's tag. Everything
 * else is refused before a byte of it is sent, also when the engine that asks is broken.
 */
import { type Route, routeOf } from '../../src/contract/route-table.ts';
import type { Json } from '../../src/kernel/journal.ts';
import { operationOf } from '../../src/contract/operations.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import { type AskedDisk, readHotAdd } from '../rules/read-hot-add.ts';
import type { CallRecorder } from './call-recorder.ts';
import { at, envelopeOf, parseJson, textOf as text } from './read-answer.ts';

/** A call that the guard did not let through. Nothing was sent. */
export class GuardRefused extends Error {
  override readonly name = 'GuardRefused';
}

export interface Refused {
  readonly method: string;
  readonly path: string;
  readonly why: string;
}

/** Asks the platform itself, past the guard. `undefined`: there is no such thing. */
export interface LiveLook {
  readonly snapshotName: (serverId: string, snapshotId: string) => Promise<string | undefined>;
  readonly serverName: (serverId: string) => Promise<string | undefined>;
}

export interface GuardOptions {
  readonly transport: HttpTransport;
  readonly recorder: CallRecorder;
  readonly look: LiveLook;
  /** With it begin the names of all that the run makes. */
  readonly tag: string;
  /** Ids of the servers that the user has named: may be read, snapshotted, locked, tracked. */
  readonly servers: ReadonlySet<string>;
  /** Ids of proxy VMs that the user has named: disks of the run may be added to them. */
  readonly proxies: ReadonlySet<string>;
}

export interface Guard {
  readonly transport: HttpTransport;
  readonly refused: readonly Refused[];
  /** Named servers on which this run has switched change tracking on. */
  readonly trackedHere: ReadonlySet<string>;
  /** Made by this run, as far as answers told, and not asked to go. */
  readonly own: Own;
}

export interface Own {
  readonly servers: Set<string>;
  readonly snapshots: Set<string>;
  readonly resources: Set<string>;
  /** Ids of disks that were added to proxies. */
  readonly disks: Set<string>;
  /** Proxies that this run has started. */
  readonly started: Set<string>;
}

export function createGuard(options: GuardOptions): Guard {
  const own: Own = {
    servers: new Set(),
    snapshots: new Set(),
    resources: new Set(),
    disks: new Set(),
    started: new Set(),
  };
  const refused: Refused[] = [];
  const trackedHere = new Set<string>();
  const send = async (request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse> => {
    const call = callOf(request);
    const why = await objection({ ...options, own, trackedHere }, call);
    if (why !== undefined) {
      const path = request.path.split('?', 1)[0] ?? '';
      refused.push({ method: request.method, path, why });
      throw new GuardRefused(`refused to send ${request.method} ${path}: ${why}`);
    }
    const open = options.recorder.begin(request);
    try {
      const response = await options.transport.send(request, signal);
      if (response.status >= 200 && response.status < 300)
        learn({ own, trackedHere, servers: options.servers }, call, envelopeOf(response.body).data);
      open.answered(response);
      return response;
    } catch (error) {
      open.lost();
      throw error;
    }
  };
  return { transport: { send, close: () => options.transport.close() }, refused, trackedHere, own };
}

interface GuardedCall {
  readonly request: HttpRequest;
  readonly route: Route | undefined;
  readonly body: Json | undefined;
}

function callOf(request: HttpRequest): GuardedCall {
  const [path = ''] = request.path.split('?', 1);
  return { request, route: routeOf(request.method, path), body: parseJson(request.body) };
}

interface Judging extends GuardOptions {
  readonly own: Own;
  readonly trackedHere: ReadonlySet<string>;
}

/** Why the call must not be made; `undefined` when it may. */
async function objection(
  judging: Judging,
  { request, route, body }: GuardedCall,
): Promise<string | undefined> {
  if (request.method === 'GET') return undefined;
  if (route === undefined) return 'it is no call that backlot knows';
  if (operationOf(route.operation).access === 'none') return undefined;
  const { params } = route;
  const server = params['server_id'] ?? '';
  switch (route.operation) {
    case 'snapshots.create':
      return (
        (await notOurs(judging, server)) ??
        (isTagged(judging, text(at(body, 'name'))) ? undefined : NO_TAG('snapshot'))
      );
    case 'snapshots.delete':
      return snapshotObjection(judging, server, params['snapshot_id'] ?? '');
    case 'cbt.set':
      return trackingObjection(judging, server, text(at(body, 'type')));
    case 'backup-resources.create':
      return lockObjection(judging, text(at(body, 'server_id')), text(at(body, 'type')));
    case 'backup-resources.renew':
    case 'backup-resources.delete':
      return judging.own.resources.has(params['backup_resources_id'] ?? '')
        ? undefined
        : 'this run has not made that backup resource';
    case 'servers.create-from-config':
      return isTagged(judging, text(at(body, 'name'))) ? undefined : NO_TAG('server');
    case 'servers.delete':
      return serverObjection(judging, server);
    case 'servers.start':
      return judging.proxies.has(server) ? undefined : serverObjection(judging, server);
    case 'servers.stop':
      return judging.own.started.has(server) ? undefined : serverObjection(judging, server);
    case 'hot-add.add':
      return addObjection(judging, server, readHotAdd(route.operation, body)?.disks ?? []);
    case 'hot-add.remove':
      return readHotAdd(route.operation, body)?.disks.every(({ disk }) => judging.own.disks.has(disk)) ===
        true
        ? undefined
        : 'this run has not added all of those disks';
    default:
      return 'a live run never makes this call';
  }
}

const NO_TAG = (what: string): string => `the ${what} would not bear the tag of the run`;

const isTagged = ({ tag }: GuardOptions, name: string | undefined): boolean =>
  name?.startsWith(`${tag}-`) === true;

async function notOurs(judging: Judging, server: string): Promise<string | undefined> {
  if (judging.servers.has(server) || (await isOwnServer(judging, server))) return undefined;
  return 'that server was neither named for this run nor made by it';
}

/** The answer that told its id may have been lost; then the tag, which no other run has, tells. */
async function isOwnServer({ own, look, tag }: Judging, id: string): Promise<boolean> {
  if (own.servers.has(id)) return true;
  const name = await look.serverName(id);
  if (name?.startsWith(`${tag}-`) !== true) return false;
  own.servers.add(id);
  return true;
}

async function snapshotObjection(judging: Judging, server: string, id: string): Promise<string | undefined> {
  const elsewhere = await notOurs(judging, server);
  if (elsewhere !== undefined) return elsewhere;
  const name = await judging.look.snapshotName(server, id);
  // What is gone already can be asked to go again.
  if (name === undefined && judging.own.snapshots.has(id)) return undefined;
  return isTagged(judging, name) ? undefined : 'that snapshot does not bear the tag of the run';
}

async function trackingObjection(
  judging: Judging,
  server: string,
  type: string,
): Promise<string | undefined> {
  if (type === 'enable' || (await isOwnServer(judging, server))) return notOurs(judging, server);
  if (type === 'disable' && judging.trackedHere.has(server)) return undefined;
  return `change tracking was not switched on by this run, so it must not ${type} it`;
}

async function lockObjection(judging: Judging, server: string, type: string): Promise<string | undefined> {
  if (type === 'backup') return notOurs(judging, server);
  return (await isOwnServer(judging, server))
    ? undefined
    : 'only servers that this run has made may be written to';
}

async function serverObjection(judging: Judging, id: string): Promise<string | undefined> {
  if (!(await isOwnServer(judging, id))) return 'this run has not made that server';
  const name = await judging.look.serverName(id);
  if (name === undefined || isTagged(judging, name)) return undefined;
  return 'that server does not bear the tag of the run any more';
}

async function addObjection(
  judging: Judging,
  proxy: string,
  disks: readonly AskedDisk[],
): Promise<string | undefined> {
  if (!judging.proxies.has(proxy)) return 'that proxy was not named for this run';
  for (const { purpose, source = '' } of disks) {
    const why = await lockObjection(judging, source, purpose === 'backup' ? 'backup' : 'restore');
    if (why !== undefined) return `a disk of another server: ${why}`;
  }
  return undefined;
}

interface Learning {
  readonly own: Own;
  readonly trackedHere: Set<string>;
  readonly servers: ReadonlySet<string>;
}

/** What was made or has gone, as the platform answered. */
function learn({ own, trackedHere, servers }: Learning, call: GuardedCall, data: Json | undefined): void {
  const { route, body } = call;
  const server = route?.params['server_id'] ?? '';
  switch (route?.operation) {
    case 'snapshots.create':
      own.snapshots.add(text(at(data, 'resource_id')));
      break;
    case 'backup-resources.create':
      own.resources.add(text(at(data, 'resource_id')));
      break;
    case 'servers.create-from-config':
      own.servers.add(text(at(data, 'uuid')));
      break;
    case 'cbt.set':
      if (text(at(body, 'type')) === 'enable' && servers.has(server)) trackedHere.add(server);
      else trackedHere.delete(server);
      break;
    case 'servers.start':
      own.started.add(server);
      break;
    case 'hot-add.add':
      for (const { disk } of readHotAdd(route.operation, body)?.disks ?? []) own.disks.add(disk);
      break;
    default:
  }
}

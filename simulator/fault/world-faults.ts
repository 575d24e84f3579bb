/**
 * What befalls a world just before something happens in it: a call, a request for a disk's bytes, a step of a task, an
 * instant of a lease.
 *
 * - `expire-tokens`, `expire-resource`: the time of all tokens, of the server's backup resources is over.
 * - `occupy`: another backup product gets the server for so long. Whoever has it keeps it; the next one finds it taken.
 * - `preempt`: a platform job of higher priority takes the server; its backup resource reads `cancelled`.
 * - `host-gone`: the host that serves the server's backup resource (else the one it runs on) is offline for so long: its
 *   NBD service with it, its backup resources fail, what was hot-added to proxies on it is detached. Servers on it are
 *   not moved.
 * - `datastore-offline`: the datastore of the server's disks (of the device, where the place names one): no byte of them
 *   is read or written, hot-added disks are detached, no snapshot is made or removed.
 * - `datastore-full`: nothing is written to it by restores, no snapshot is made, no server created; reading goes on.
 * - `proxy-crash`: the proxy VM is off at once: the one that the call names, else those that hold disks of the server.
 *   It stays off until somebody starts it.
 * - `restart`: the platform's processes start again with all their state. Every NBD connection is cut, every call under
 *   way stays without an answer (the one at which it strikes without effect), login tokens are gone, because they are kept
 *   in memory; access keys, leases, tasks and remembered client tokens stay. @fidelity assumed
 *
 * What has no object (no proxy holds a disk) does not strike; it does at the next match that has one.
 */
import { PROXY_OS_NAME } from '../../src/contract/assumed.ts';
import { perWorld } from '../domain/per-world.ts';
import type { World } from '../domain/world-api.ts';
import type { FaultKind, FaultPoint, Faults, StruckFault } from './fault-api.ts';
import { Outages } from './outages.ts';

export const WORLD_FAULT_KINDS = [
  'expire-tokens',
  'expire-resource',
  'occupy',
  'preempt',
  'host-gone',
  'datastore-offline',
  'datastore-full',
  'proxy-crash',
  'restart',
] as const satisfies readonly FaultKind['kind'][];

/** Whom it concerns: servers whose backup is spoken of, `undefined` for all; a disk; the proxy that is spoken of. */
export interface Scope {
  readonly serverIds?: ReadonlySet<string>;
  readonly deviceId?: string;
  readonly proxyId?: string;
}

export interface WorldFaults {
  /** Whether there is anything for the fault to befall. Always for other kinds. */
  canBefall(fault: FaultKind, scope: Scope): boolean;
  /** Carries the fault out; nothing for other kinds. */
  befall(fault: StruckFault, scope: Scope): void;
  /** How often the platform's processes have started again. */
  readonly restarts: () => number;
}

const isProxy = ({ osName }: { readonly osName: string }): boolean => osName === PROXY_OS_NAME;

const kept = perWorld<WorldFaults>();

/** Of one world, always the same. */
export function worldFaultsOf(world: World, faults: Faults): WorldFaults {
  return kept(world, () => createWorldFaults(world, new Outages(world.clock, faults)));
}

/** The server of a place; the proxy itself where the place is one of a proxy. */
export function scopeOf(world: World, { serverId, deviceId }: FaultPoint): Scope {
  if (serverId === undefined) return {};
  const named = world.servers.list().find(({ id }) => id === serverId);
  if (named !== undefined && isProxy(named)) return { proxyId: serverId };
  return { serverIds: new Set([serverId]), ...(deviceId === undefined ? {} : { deviceId }) };
}

function createWorldFaults(world: World, outages: Outages): WorldFaults {
  let restarts = 0;
  const restart = (): void => {
    restarts++;
    world.tokens.expireAll();
    world.cutConnections('the platform restarts');
  };
  return {
    restarts: () => restarts,
    canBefall: (fault, scope) => objectsOf(world, fault, scope)?.length !== 0,
    befall: (fault, scope) =>
      fault.kind === 'restart'
        ? restart()
        : befall(world, outages, fault, objectsOf(world, fault, scope) ?? []),
  };
}

/** Ids of what the fault befalls; `undefined` where it needs none. */
function objectsOf(world: World, { kind }: FaultKind, scope: Scope): readonly string[] | undefined {
  switch (kind) {
    case 'expire-resource':
      return resourcesOf(world, scope)
        .filter(isRunning)
        .map(({ id }) => id);
    case 'occupy':
    case 'preempt':
      return serversOf(world, scope).map(({ id }) => id);
    case 'host-gone':
      return hostsOf(world, scope);
    case 'datastore-offline':
    case 'datastore-full':
      return datastoresOf(world, scope);
    case 'proxy-crash':
      return proxiesOf(world, scope);
    default:
      return undefined;
  }
}

const isRunning = ({ status }: { readonly status: string }): boolean => status === 'running';

function befall(world: World, outages: Outages, fault: StruckFault, objects: readonly string[]): void {
  if (fault.kind === 'expire-tokens') world.tokens.expireAll();
  for (const id of objects)
    switch (fault.kind) {
      case 'expire-resource':
        world.backupResources.expireNow(id);
        break;
      case 'occupy':
        world.backupResources.occupy(id, fault.seconds);
        break;
      case 'preempt':
        world.backupResources.preempt(id);
        break;
      case 'host-gone':
        outages.start(
          fault.id,
          outage(`host ${id}`, fault.ms, (isOut) => world.setHostOnline(id, !isOut)),
        );
        break;
      case 'datastore-offline':
        outages.start(
          fault.id,
          outage(`datastore ${id}`, fault.ms, (isOut) => world.setDatastoreOnline(id, !isOut)),
        );
        break;
      case 'datastore-full':
        outages.start(
          fault.id,
          outage(`space on ${id}`, fault.ms, (isOut) => world.setDatastoreFull(id, isOut)),
        );
        break;
      case 'proxy-crash':
        world.crashServer(id);
        break;
      default:
        break;
    }
}

function outage(what: string, ms: number, set: (isOut: boolean) => void) {
  return { what, ms, begin: () => set(true), end: () => set(false) };
}

function serversOf(world: World, { serverIds }: Scope) {
  const servers = world.servers.list().filter((server) => !isProxy(server));
  return serverIds === undefined ? servers : servers.filter(({ id }) => serverIds.has(id));
}

function resourcesOf(world: World, { serverIds }: Scope) {
  return world.backupResources.list().filter(({ serverId }) => serverIds?.has(serverId) ?? true);
}

/** Those that serve a backup resource; else those that a named server runs on. */
function hostsOf(world: World, scope: Scope): readonly string[] {
  const serving = resourcesOf(world, scope).filter(
    ({ status }) => isRunning({ status }) || status === 'pending',
  );
  const named = scope.serverIds === undefined ? [] : serversOf(world, scope);
  return unique((serving.length > 0 ? serving : named).map(({ hostId }) => hostId));
}

function datastoresOf(world: World, scope: Scope): readonly string[] {
  const disks = serversOf(world, scope).flatMap(({ disks: own }) => own);
  const meant = disks.filter(({ deviceId }) => scope.deviceId === undefined || scope.deviceId === deviceId);
  return unique(meant.map(({ datastoreId }) => datastoreId));
}

function proxiesOf(world: World, { serverIds, proxyId }: Scope): readonly string[] {
  const isOn = (id: string): boolean => world.servers.get(id).status !== 'stopped';
  if (proxyId !== undefined) return isOn(proxyId) ? [proxyId] : [];
  const held = world.hotAdd.list().filter(({ sourceServerId }) => serverIds?.has(sourceServerId) ?? true);
  return unique(held.map((disk) => disk.proxyId)).filter(isOn);
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}

/** Creates a world: one isolated cluster with a clock, a seed and a journal of its own. */
import { ApiError } from '../../src/contract/errors.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { IdSource, WorldId } from '../../src/kernel/ids.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import type { BaseImage } from '../store/base-image.ts';
import { Agenda } from './agenda.ts';
import { failResourcesOn } from './backup-lease.ts';
import { createBackupResources } from './backup-resources.ts';
import { createCbt } from './cbt.ts';
import { completeSettings } from './default-settings.ts';
import { createExports } from './exports.ts';
import { OBEDIENT_GUEST } from './guest-port.ts';
import { createGuest } from './guest.ts';
import { createHotAdd } from './hot-add.ts';
import { detachWhere } from './hot-added-disk.ts';
import { type Interference, NO_INTERFERENCE } from './interference.ts';
import type { InventorySpec } from './inventory.ts';
import { crashServer } from './power.ts';
import { serverFromSpec } from './server-record.ts';
import { createServers, usedMbByDatastore } from './servers.ts';
import { createSnapshots } from './snapshots.ts';
import { TaskQueue } from './task-queue.ts';
import { createTokens } from './tokens.ts';
import type { GuestPort } from './hot-add-api.ts';
import type { World, WorldSettings } from './world-api.ts';
import {
  type DatastoreRecord,
  type HostRecord,
  type ServerRecord,
  serverOf,
  type WorldState,
} from './world-state.ts';

export interface WorldOptions {
  readonly id: string;
  readonly seed: string;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly rng: Rng;
  readonly journal: Journal;
  readonly inventory: InventorySpec;
  readonly settings?: Partial<WorldSettings>;
  /** Opens the image files that the inventory names. */
  readonly baseImages?: (file: string) => BaseImage;
  /** The guests of proxies. Absent: they obey at once. */
  readonly guestPort?: GuestPort;
  /** Who disturbs its course. Absent: nobody. */
  readonly interference?: Interference;
}

/** @throws RangeError when the inventory or the settings contradict themselves */
export function createWorld(options: WorldOptions): World {
  const state = createState(options);
  for (const spec of options.inventory.servers) addServer(state, serverFromSpec(state, spec));
  const rest: Omit<World, 'datastores'> = {
    id: options.id as WorldId,
    seed: options.seed,
    clock: options.clock,
    ids: options.ids,
    journal: options.journal,
    settings: state.settings,
    pools: state.pools,
    clusters: state.clusters,
    hosts: state.hosts,
    credentials: state.credentials,
    servers: createServers(state),
    snapshots: createSnapshots(state),
    cbt: createCbt(state),
    backupResources: createBackupResources(state),
    tasks: state.tasks,
    hotAdd: createHotAdd(state),
    guest: createGuest(state),
    tokens: createTokens(state),
    exports: createExports(state),
    setHostOnline: (hostId, isOnline) => setHostOnline(state, hostId, isOnline),
    setDatastoreOnline: (datastoreId, isOnline) => setDatastoreOnline(state, datastoreId, isOnline),
    setDatastoreFull: (datastoreId, isFull) => setDatastoreFull(state, datastoreId, isFull),
    crashServer: (serverId) => crashServer(state, serverOf(state, serverId)),
    cutConnections: (why) => cutConnections(state, why),
    settle: () => state.agenda.settle(),
    close: () => closeWorld(state),
    attic: new Map(),
  };
  return Object.assign(new Stores(state), rest);
}

/**
 * What a world shows anew at every look. A class, because all that a getter in an object literal sees stays in memory
 * until a full collection.
 */
class Stores {
  readonly #state: WorldState;

  constructor(state: WorldState) {
    this.#state = state;
  }

  get datastores(): World['datastores'] {
    this.#state.agenda.settle();
    const used = usedMbByDatastore(this.#state);
    return this.#state.datastores.map((store) => ({ ...store, usedMb: used.get(store.id) ?? 0 }));
  }
}

function createState(options: WorldOptions): WorldState {
  const { seed, clock, ids, rng, journal, inventory } = options;
  const agenda = new Agenda(clock);
  return {
    seed,
    clock,
    ids,
    rng,
    journal,
    settings: completeSettings(options.settings),
    agenda,
    tasks: new TaskQueue(agenda, ids, journal, options.interference),
    pools: inventory.pools,
    clusters: inventory.clusters,
    hosts: inventory.hosts.map((host): HostRecord => ({ ...host, isOnline: true })),
    datastores: inventory.datastores.map(
      (store): DatastoreRecord => ({ ...store, isOnline: true, isFull: false }),
    ),
    credentials: inventory.credentials,
    servers: new Map(),
    resources: new Map(),
    proxies: new Set(),
    guestPort: options.guestPort ?? OBEDIENT_GUEST,
    interference: options.interference ?? NO_INTERFERENCE,
    openBase: options.baseImages ?? refuseImages,
  };
}

function addServer(state: WorldState, server: ServerRecord): void {
  if (state.servers.has(server.id)) throw new RangeError(`two servers have the id ${server.id}`);
  state.servers.set(server.id, server);
}

function refuseImages(file: string): never {
  throw new RangeError(`this world opens no images, yet a disk wants ${file}`);
}

function setHostOnline(state: WorldState, hostId: string, isOnline: boolean): void {
  state.agenda.settle();
  const host = state.hosts.find((candidate) => candidate.id === hostId);
  if (host === undefined) throw new ApiError('NOT_FOUND', `host ${hostId}`);
  if (host.isOnline === isOnline) return;
  host.isOnline = isOnline;
  noteOnline(state, 'host', hostId, isOnline);
  if (isOnline) return;
  failResourcesOn(state, hostId);
  detachWhere(state, ({ proxy }) => proxy.hostId === hostId, `host ${hostId} is offline`);
}

function setDatastoreFull(state: WorldState, datastoreId: string, isFull: boolean): void {
  state.agenda.settle();
  const store = state.datastores.find((candidate) => candidate.id === datastoreId);
  if (store === undefined) throw new ApiError('NOT_FOUND', `datastore ${datastoreId}`);
  if (store.isFull === isFull) return;
  store.isFull = isFull;
  const [from, to] = isFull ? ['free', 'full'] : ['full', 'free'];
  state.journal.append({ type: 'state', entity: 'datastore', id: datastoreId, from, to });
}

function setDatastoreOnline(state: WorldState, datastoreId: string, isOnline: boolean): void {
  state.agenda.settle();
  const store = state.datastores.find((candidate) => candidate.id === datastoreId);
  if (store === undefined) throw new ApiError('NOT_FOUND', `datastore ${datastoreId}`);
  if (store.isOnline === isOnline) return;
  store.isOnline = isOnline;
  noteOnline(state, 'datastore', datastoreId, isOnline);
  if (isOnline) return;
  detachWhere(
    state,
    ({ disk }) => disk.spec.datastoreId === datastoreId,
    `datastore ${datastoreId} is offline`,
  );
}

function noteOnline(state: WorldState, entity: 'host' | 'datastore', id: string, isOnline: boolean): void {
  const [from, to] = isOnline ? ['offline', 'online'] : ['online', 'offline'];
  state.journal.append({ type: 'state', entity, id, from, to });
}

function closeWorld(state: WorldState): void {
  state.agenda.close();
  cutConnections(state, 'the world is closed');
}

function cutConnections(state: WorldState, why: string): void {
  for (const resource of state.resources.values())
    for (const connection of resource.connections) connection.cut(why);
}

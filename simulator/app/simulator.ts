/**
 * The simulator of one process: worlds, the REST door and the NBD door to them.
 *
 * Nothing here listens on a network; `listen.ts` puts sockets before both doors, and tests and the harness go through
 * them without any.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../src/kernel/clock.ts';
import { createIdSource } from '../../src/kernel/ids.ts';
import { JOURNAL_VERSION, Journal } from '../../src/kernel/journal.ts';
import { createRng } from '../../src/kernel/rng.ts';
import { DEFAULT_NBD_PORT } from '../../src/contract/assumed.ts';
import type { HttpTransport } from '../../src/sdk/http-transport.ts';
import { ApiError } from '../../src/contract/errors.ts';
import { createWorld } from '../domain/create-world.ts';
import type { HotAddedDisk } from '../domain/hot-add-api.ts';
import type { World } from '../domain/world-api.ts';
import type { InventorySpec } from '../domain/inventory.ts';
import type { FaultPoint, Faults } from '../fault/fault-api.ts';
import { damageable } from '../fault/payload-faults.ts';
import { createLeaseFaults } from '../fault/lease-faults.ts';
import { createFaults } from '../fault/registry.ts';
import { createTaskFaults } from '../fault/task-faults.ts';
import { createGuestPlane } from '../guest/guest-plane.ts';
import { createInProcessTransport } from '../http/in-process-transport.ts';
import { PasswordKey } from '../http/password-key.ts';
import { createDirectDoor } from '../http/direct-door.ts';
import { createJsonMemory } from '../../src/kernel/json-memory.ts';
import { createApiContext, createProductApi } from '../http/product-api.ts';
import { WorldRegistry } from '../http/world-directory.ts';
import type { PresetName } from '../inventory/presets.ts';
import type { NbdLimits } from '../nbd/nbd-limits.ts';
import type { BaseImage } from '../store/base-image.ts';
import { ClusterCas, createHosted, type Hosted } from './hosted.ts';
import { NbdPlane } from './nbd-plane.ts';
import { createRequestGuard } from './request-faults.ts';
import type { Simulator, WorldSpec } from './simulator-api.ts';

export interface SimulatorOptions {
  /** Time of the calls before login; the oldest world's when absent. */
  readonly clock?: Clock;
  /** Opens the image files that inventories name. Absent: such inventories are refused. */
  readonly baseImages?: (file: string) => BaseImage;
  /** Changes an inventory before a world is made of it, such as the addresses of its hosts. */
  readonly adapt?: (inventory: InventorySpec) => InventorySpec;
  /** What differs from the usual; times are the worlds'. */
  readonly nbdLimits?: Partial<NbdLimits>;
}

/** The simulator together with what only its listeners need. */
export interface ListenableSimulator extends Simulator {
  readonly directory: WorldRegistry;
  readonly clock: Clock;
  /** One key for every REST listener, so that a password encrypted for one is good for all. */
  readonly passwordKey: PasswordKey;
  readonly nbd: NbdPlane;
}

export async function createSimulator(options: SimulatorOptions = {}): Promise<ListenableSimulator> {
  const hosted = new Map<string, Hosted>();
  const cas = new ClusterCas();
  const directory = new WorldRegistry();
  const clock = options.clock ?? oldestClock(() => hosted.values().next().value?.world.clock);
  const passwordKey = new PasswordKey();
  // A served simulator has listeners of its own and never asks for this one.
  let api: FastifyInstance | undefined;
  const listener = { worlds: directory, clock, passwordKey };
  const context = createApiContext(listener);
  const door = createDirectDoor(context);
  const server = (): FastifyInstance => (api ??= createProductApi(listener, context));
  const parseJson = createJsonMemory();
  const transport = (): HttpTransport => createInProcessTransport(server, door, parseJson);
  const nbd = new NbdPlane(() => [...hosted.values()], options.nbdLimits);
  const remove = (id: string): void => {
    hosted.get(id)?.close();
    hosted.delete(id);
    directory.remove(id);
  };
  return {
    directory,
    clock,
    passwordKey,
    nbd,
    get transport() {
      return transport();
    },
    worlds: () => [...hosted.values()],
    async createWorld(spec) {
      const made = await hostWorld(spec, cas, options);
      directory.add(made);
      hosted.set(made.world.id, made);
      return made;
    },
    removeWorld: remove,
    dialNbd: async (host, port, signal) => {
      signal.throwIfAborted();
      const stream = port === DEFAULT_NBD_PORT ? nbd.dial(host) : undefined;
      if (stream === undefined) throw refused(host, port);
      return stream;
    },
    async [Symbol.asyncDispose]() {
      for (const id of hosted.keys()) remove(id);
      await api?.close();
    },
  };
}

async function hostWorld(
  spec: WorldSpec,
  cas: ClusterCas,
  { baseImages, adapt = (inventory) => inventory }: SimulatorOptions,
): Promise<Hosted> {
  const { seed, clock } = spec;
  const inventory = adapt(await inventoryOf(spec.inventory, seed));
  const rng = createRng(`${seed}/world`);
  const ids = createIdSource(rng.fork('ids'));
  const id = spec.id ?? `world-${createIdSource(rng.fork('id')).hex(8)}`;
  const journal = new Journal({
    now: () => clock.now(),
    ...(spec.journalCapacity === undefined ? {} : { capacity: spec.journalCapacity }),
  });
  const preset = typeof spec.inventory === 'string' ? spec.inventory : 'custom';
  journal.append({ type: 'world.created', version: JOURNAL_VERSION, seed, preset });
  const guests = createGuestPlane({
    clock,
    journal,
    world: () => world,
    faults: () => faults,
    guard: (disk, connection) =>
      createRequestGuard({
        faults,
        clock,
        connection,
        world,
        point: () => guestPoint(disk),
        proxyId: disk.proxyId,
      }),
    view: (disk, device) =>
      damageable(device, (isNow) => faults.strike({ ...guestPoint(disk), can: ['corrupt-payload'], isNow })),
  });
  const world: World = createWorld({
    id,
    seed,
    clock,
    ids,
    rng,
    journal,
    inventory,
    guestPort: guests.port,
    interference: {
      fatesOf: createTaskFaults(
        () => faults,
        () => world,
      ),
      leaseChanged: createLeaseFaults({ clock, faults: () => faults, world: () => world }),
    },
    ...(spec.settings === undefined ? {} : { settings: spec.settings }),
    ...(baseImages === undefined ? {} : { baseImages }),
  });
  const faults: Faults = createFaults({
    journal,
    ids: createIdSource(rng.fork('faults')),
    resolve: (server) => serverIdOf(world, server),
    now: () => clock.now(),
  });
  return createHosted({ world, faults, guests }, cas);
}

/** Server and device are those of the disk's source, because a plan is written for the server that is backed up. */
function guestPoint(disk: HotAddedDisk): FaultPoint {
  const { sourceServerId, sourceDeviceId, resourceId } = disk;
  return {
    on: 'guest',
    serverId: sourceServerId,
    deviceId: sourceDeviceId,
    ...(resourceId === undefined ? {} : { resourceId }),
  };
}

function serverIdOf(world: World, idOrName: string): string | undefined {
  try {
    return world.servers.find(idOrName).id;
  } catch (error) {
    // A fault may be planned for a server that comes into being later.
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

/** The generator and its lists of names are loaded by the first world that wants a preset. */
async function inventoryOf(wanted: PresetName | InventorySpec, seed: string): Promise<InventorySpec> {
  if (typeof wanted !== 'string') return wanted;
  const { generateInventory } = await import('../inventory/generate-inventory.ts');
  return generateInventory(wanted, seed);
}

function refused(host: string, port: number): Error {
  return Object.assign(new Error(`connect ECONNREFUSED ${host}:${port}`), { code: 'ECONNREFUSED' });
}

/** Longer than any limit of the calls before login looks back. */
const BETWEEN_WORLDS_MS = 3_600_000;

/**
 * The first world's time. Worlds that come one after the other may each begin at the same instant; this clock goes on
 * from one to the next, so that the limits of the calls before login, which belong to no world, begin anew with each.
 */
function oldestClock(first: () => Clock | undefined): Clock {
  let source: Clock | undefined;
  let aheadMs = 0;
  let lastMs = 0;
  const now = (): number => {
    const clock = first();
    if (clock === undefined) return lastMs;
    if (source !== undefined && clock !== source) aheadMs = lastMs + BETWEEN_WORLDS_MS - clock.now();
    source = clock;
    lastMs = clock.now() + aheadMs;
    return lastMs;
  };
  return {
    now,
    setTimer(atMs, fire) {
      now();
      return first()?.setTimer(atMs - aheadMs, fire) ?? { cancel: () => undefined };
    },
    hold: () => first()?.hold() ?? (() => undefined),
  };
}

/** The worlds of a served simulator, each with a clock that the control interface can steer. */
import { ApiError } from '../../src/contract/errors.ts';
import type { ClockMode } from '../control/clock-mode.ts';
import type { ControlHost, ControlledWorld, WorldRequest } from '../control/control-api.ts';
import { createSteering, type SteerableClock } from '../control/steering.ts';
import { DEFAULT_SETTINGS } from '../domain/default-settings.ts';
import type { InventorySpec } from '../domain/inventory.ts';
import type { WorldSettings } from '../domain/world-api.ts';
import type { PresetName } from '../inventory/presets.ts';
import type { ListenableSimulator } from './simulator.ts';

export interface ServedWorldsOptions {
  readonly simulator: ListenableSimulator;
  readonly version: string;
  /** Of worlds that ask for nothing else. */
  readonly seed: string;
  readonly clock: ClockMode;
  /** Entries of each world's journal kept in memory. */
  readonly journalCapacity: number;
  createClock(mode: ClockMode): SteerableClock;
  /** Called when worlds came or went. */
  changed(): Promise<void>;
  productOpenApi(): unknown;
  /** Where the devices of a world's guests can be opened. */
  guestFolder?(world: string): string | undefined;
  /** Memory that the process holds. */
  residentBytes(): number;
}

export interface ServedWorlds extends ControlHost {
  create(spec: {
    readonly id?: string;
    readonly seed: string;
    readonly clock: ClockMode;
    readonly inventory: PresetName | InventorySpec;
    readonly settings?: Partial<WorldSettings>;
  }): Promise<ControlledWorld>;
}

export function createServedWorlds(options: ServedWorldsOptions): ServedWorlds {
  const { simulator } = options;
  const served = new Map<string, ControlledWorld & { readonly clock: SteerableClock }>();
  let unnamed = 0;
  const create: ServedWorlds['create'] = async (spec) => {
    const clock = options.createClock(spec.clock);
    const { journalCapacity } = options;
    const hosted = await simulator.createWorld({ ...spec, clock, journalCapacity });
    const steering = createSteering(hosted.world, clock, spec.clock);
    const controlled = { ...hosted, steering, clock };
    served.set(hosted.world.id, controlled);
    await options.changed();
    return controlled;
  };
  return {
    version: options.version,
    worlds: () => [...served.values()],
    create,
    async createWorld(request) {
      const seed = request.seed ?? `${options.seed}/${++unnamed}`;
      return refuseClearly(async () =>
        create({
          ...(request.id === undefined ? {} : { id: request.id }),
          seed,
          clock: request.clock ?? options.clock,
          inventory: await inventoryOf(request, seed),
          settings: checkSettings(request.settings ?? {}),
        }),
      );
    },
    async removeWorld(id) {
      const gone = served.get(id);
      gone?.steering.stop();
      served.delete(id);
      simulator.removeWorld(id);
      await options.changed();
    },
    totals: () => totalsOf(options),
    productOpenApi: options.productOpenApi,
    ...(options.guestFolder && { guestFolder: options.guestFolder }),
  };
}

async function inventoryOf(request: WorldRequest, seed: string): Promise<PresetName | InventorySpec> {
  if (request.inventory === undefined) return request.preset ?? 'tiny';
  // Loaded here, because the reader of files is not needed before somebody brings an inventory.
  const { readInventory } = await import('../inventory/parse-inventory.ts');
  const inventory = readInventory(request.inventory, seed);
  const disks = inventory.servers.flatMap((server) => server.disks);
  if (disks.some(({ content }) => content.kind === 'image'))
    throw new ApiError('INVALID_PARAMETER', 'image files are given when the simulator starts, with --disk');
  return inventory;
}

/** @throws ApiError INVALID_PARAMETER for a setting that does not exist or has the wrong type */
function checkSettings(settings: Readonly<Record<string, unknown>>): Partial<WorldSettings> {
  const known: Readonly<Record<string, unknown>> = { ...DEFAULT_SETTINGS };
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(known, name))
      throw new ApiError(
        'INVALID_PARAMETER',
        `settings.${name}: does not exist; there are ${Object.keys(known).join(', ')}`,
      );
    if (typeof value !== typeof known[name])
      throw new ApiError('INVALID_PARAMETER', `settings.${name}: must be a ${typeof known[name]}`);
  }
  return settings;
}

/** Turns what lower layers say about a bad inventory into an answer of the control interface. */
async function refuseClearly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && error.name === 'InventoryError')
      throw new ApiError('INVALID_PARAMETER', error.message);
    if (error instanceof RangeError && error.message.includes('already'))
      throw new ApiError('CONFLICT', error.message);
    if (error instanceof RangeError && error.message.startsWith('another world'))
      throw new ApiError(
        'CONFLICT',
        `${error.message}; worlds of one seed share their keys, so choose another seed`,
      );
    throw error;
  }
}

function totalsOf({ simulator, residentBytes }: ServedWorldsOptions): Record<string, number> {
  const { opened, closed, requests, bytes } = simulator.nbd.totals;
  const worlds = simulator.worlds();
  const resources = worlds.flatMap(({ world }) => world.backupResources.list());
  return {
    servers: worlds.reduce((sum, { world }) => sum + world.servers.list().length, 0),
    backup_resources_running: resources.filter(({ status }) => status === 'running').length,
    journal_entries_total: worlds.reduce((sum, { world }) => sum + world.journal.length, 0),
    nbd_connections: opened - closed,
    nbd_connections_total: opened,
    nbd_requests_total: requests,
    nbd_bytes_total: bytes,
    resident_bytes: residentBytes(),
  };
}

/** A world behind the product's API, without a socket, in virtual time. */
import type { FastifyInstance } from 'fastify';
import { operationPath, type OperationName, operationOf } from '../../../src/contract/operations.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createWorld } from '../../../simulator/domain/create-world.ts';
import type { CredentialSpec, InventorySpec } from '../../../simulator/domain/inventory.ts';
import type { GuestPort } from '../../../simulator/domain/hot-add-api.ts';
import type { Server, World, WorldSettings } from '../../../simulator/domain/world-api.ts';
import type { Faults } from '../../../simulator/fault/fault-api.ts';
import { createLeaseFaults } from '../../../simulator/fault/lease-faults.ts';
import { createFaults } from '../../../simulator/fault/registry.ts';
import { createTaskFaults } from '../../../simulator/fault/task-faults.ts';
import { createProductApi } from '../../../simulator/http/product-api.ts';
import { WorldRegistry } from '../../../simulator/http/world-directory.ts';
import { generateInventory } from '../../../simulator/inventory/generate-inventory.ts';
import type { PresetName } from '../../../simulator/inventory/presets.ts';
import { signed } from './sign.ts';

export interface Answer {
  readonly status: number;
  readonly body: { code?: number; errcode?: string; message: string; data: Record<string, unknown> };
}

export interface Testbed {
  readonly clock: VirtualClock;
  readonly world: World;
  readonly faults: Faults;
  readonly app: FastifyInstance;
  readonly registry: WorldRegistry;
  readonly credential: CredentialSpec;
  /** A server that can be backed up, running, with at least two disks. */
  readonly server: Server;
  /** Any request, signed unless `headers` has an Authorization. */
  send(
    method: string,
    url: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<Answer>;
  /** A call of the contract by its name. */
  call(
    name: OperationName,
    params?: Record<string, string>,
    options?: {
      query?: Record<string, string>;
      body?: unknown;
      headers?: Record<string, string>;
      date?: string;
    },
  ): Promise<Answer>;
  /** Moves time until the task is over, and returns its status. */
  finish(taskId: unknown): Promise<string>;
}

export interface TestbedOptions {
  readonly preset?: PresetName;
  readonly settings?: Partial<WorldSettings>;
  readonly change?: (inventory: InventorySpec) => InventorySpec;
  readonly role?: CredentialSpec['role'];
  readonly guestPort?: GuestPort;
}

export function createTestbed(options: TestbedOptions = {}): Testbed {
  const seed = 'testbed';
  const clock = new VirtualClock(1_770_000_000_000);
  const rng = createRng(seed);
  const generated = generateInventory(options.preset ?? 'tiny', seed);
  const inventory = (options.change ?? ((same) => same))({
    ...generated,
    credentials: generated.credentials.map((one) => ({ ...one, role: options.role ?? one.role })),
  });
  const journal = new Journal({ now: () => clock.now() });
  const world: World = createWorld({
    id: 'w1',
    seed,
    clock,
    ids: createIdSource(rng.fork('ids')),
    rng: rng.fork('world'),
    journal,
    inventory,
    interference: {
      fatesOf: createTaskFaults(
        () => faults,
        () => world,
      ),
      leaseChanged: createLeaseFaults({ clock, faults: () => faults, world: () => world }),
    },
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.guestPort === undefined ? {} : { guestPort: options.guestPort }),
  });
  const faults: Faults = createFaults({
    journal,
    ids: createIdSource(rng.fork('faults')),
    resolve: (name) => world.servers.list().find(({ id, name: own }) => id === name || own === name)?.id,
    now: () => clock.now(),
  });
  const registry = new WorldRegistry();
  registry.add({
    world,
    faults,
    caCertBase64: (clusterId) => Buffer.from(`ca ${clusterId}`).toString('base64'),
  });
  const app = createProductApi({ worlds: registry, clock });
  const credential = first(world.credentials);
  const server = first(world.servers.list().filter(({ osName, disks }) => osName === '' && disks.length > 1));
  const send: Testbed['send'] = async (method, url, { body, headers = {} } = {}) => {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const [path = ''] = url.split('?');
    const auth = 'Authorization' in headers ? {} : signed({ method, path, body: text, ...credential });
    const reply = await clock.run(
      app.inject({
        method: method as 'GET',
        url,
        headers: { 'Content-Type': 'application/json', ...auth, ...headers },
        ...(text === '' ? {} : { payload: text }),
      }),
    );
    const parsed: Answer['body'] = reply.body === '' ? undefined : JSON.parse(reply.body);
    return { status: reply.statusCode, body: parsed };
  };
  const call: Testbed['call'] = (name, params = {}, { query, date, ...rest } = {}) => {
    const search = query === undefined ? '' : `?${new URLSearchParams(query).toString()}`;
    return send(operationOf(name).method, `${operationPath(name, params, date)}${search}`, rest);
  };
  const finish = async (taskId: unknown): Promise<string> => {
    for (let turn = 0; turn < 10_000; turn++) {
      const { status } = world.tasks.get(String(taskId));
      if (status !== 'waiting' && status !== 'doing') return status;
      await clock.advanceBy(500);
    }
    throw new Error(`task ${String(taskId)} does not end`);
  };
  return { clock, world, faults, app, registry, credential, server, send, call, finish };
}

export function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error('there is none');
  return item;
}

/** Puts a served simulator together: world, listeners, control interface. */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { createControlApp } from '../../simulator/control/control-app.ts';
import type { AccessRule } from '../../simulator/control/access.ts';
import { type ClockMode, scaleOf } from '../../simulator/control/clock-mode.ts';
import type { CredentialSpec, InventorySpec } from '../../simulator/domain/inventory.ts';
import type { World } from '../../simulator/domain/world-api.ts';
import { openLazyDoor } from '../../simulator/app/lazy-door.ts';
import { type Listeners, listen } from '../../simulator/app/listen.ts';
import { canListenOn } from '../../simulator/app/listen-nbd-plane.ts';
import { createServedWorlds } from '../../simulator/app/served-worlds.ts';
import { createSimulator, type ListenableSimulator } from '../../simulator/app/simulator.ts';
import type { GuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import { simplePassword } from '../../simulator/inventory/platform-login.ts';
import type { PresetName } from '../../simulator/inventory/presets.ts';
import type { Differences } from '../contract/differences.ts';
import { ScaledClock } from '../runtime/scaled-clock.ts';
import { CliError } from './cli-error.ts';
import type { ReadyLine } from './serve-banner.ts';
import { packageVersion } from './package-version.ts';
import type { ProxyMachine } from './proxy-machine-flags.ts';
import { openServedGuests, type ServedGuests } from './serve-guests.ts';
import { prepareInventory } from './serve-inventory.ts';

export interface ServeOptions {
  readonly preset?: PresetName;
  readonly inventory?: string;
  /** `VM:slot=FILE` */
  readonly disk: readonly string[];
  readonly seed: string;
  readonly clock: ClockMode;
  readonly host: string;
  readonly guest: GuestLevel;
  readonly guestDir?: string;
  /** How a real platform was seen to differ from the simulator. */
  readonly differences?: Differences;
  /** For the level qemu. */
  readonly proxyMachine: ProxyMachine;
  readonly ports: {
    readonly port: number;
    readonly hciPort: number;
    readonly nbdPort: number;
    readonly controlPort: number;
  };
}

export interface RunningServer extends AsyncDisposable {
  readonly ready: Omit<ReadyLine, 'caFile'>;
  readonly caPem: string;
  readonly world: World;
  readonly mode: ClockMode;
}

/** Where time starts when it does not follow the wall, so that equal runs have equal journals. */
const STANDING_START_MS = Date.UTC(2026, 0, 1);

/** Entries of a world's journal that a server keeps; about 20 MB. */
const JOURNAL_CAPACITY = 100_000;

export async function startServer(options: ServeOptions): Promise<RunningServer> {
  await using open = new AsyncDisposableStack();
  const { inventory, images } = await prepareInventory(options, open);
  const { differences } = options;
  const adaptHost = await adaptTo(options.host);
  const adapt = (spec: InventorySpec): InventorySpec => withVersion(adaptHost(spec), differences);
  const simulator = open.use(
    await createSimulator({ adapt, ...(images === undefined ? {} : { baseImages: images.open }) }),
  );
  let refresh = async (): Promise<void> => undefined;
  let guestFolder: ServedGuests['folderOf'] = () => undefined;
  const worlds = createServedWorlds({
    simulator,
    version: packageVersion(),
    seed: options.seed,
    clock: options.clock,
    journalCapacity: JOURNAL_CAPACITY,
    createClock,
    changed: () => refresh(),
    guestFolder: (id) => guestFolder(id),
    productOpenApi: loadProductOpenApi,
    residentBytes: () => process.memoryUsage.rss(),
  });
  const { world } = await worlds.create({
    seed: options.seed,
    clock: options.clock,
    inventory,
  });
  const { host, ports } = options;
  const listeners = open.use(
    await explain(
      () =>
        listen(simulator, {
          host,
          scpPort: ports.port,
          hciPort: ports.hciPort,
          nbdPort: ports.nbdPort,
          ...(differences === undefined ? {} : { differences }),
        }),
      host,
    ),
  );
  const guests = open.use(await openGuests(options, simulator));
  guestFolder = guests.folderOf;
  refresh = async () => {
    await listeners.refresh();
    await guests.refresh();
  };
  const access = accessRule(host);
  const build = () => createControlApp({ host: worlds, access });
  const control = open.use(await explain(() => openLazyDoor({ host, port: ports.controlPort, build }), host));
  const opened = open.move();
  return {
    world,
    mode: options.clock,
    caPem: listeners.caPem,
    ready: {
      ...describeReady(world, host, portsOf(listeners, control.port), access),
      guest: options.guest,
      guestDir: guests.folder,
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Ports = Pick<Listeners, 'scpPort' | 'hciPort' | 'nbdPort'> & { readonly controlPort: number };

function portsOf({ scpPort, hciPort, nbdPort }: Listeners, controlPort: number): Ports {
  return { scpPort, hciPort, nbdPort, controlPort };
}

function describeReady(
  world: World,
  host: string,
  ports: Ports,
  access: AccessRule,
): Omit<RunningServer['ready'], 'guest' | 'guestDir'> {
  const [login] = world.credentials;
  const name = urlHost(host);
  return {
    ready: true,
    scp: `https://${name}:${ports.scpPort}`,
    hci: `https://${name}:${ports.hciPort}`,
    nbd: `nbd://${name}:${ports.nbdPort}`,
    control: `http://${name}:${ports.controlPort}`,
    username: login?.username ?? '',
    password: login?.password ?? '',
    accessKey: login?.accessKey ?? '',
    secretKey: login?.secretKey ?? '',
    world: world.id,
    seed: world.seed,
    ...(access.kind === 'token' ? { controlToken: access.token } : {}),
  };
}

function openGuests(options: ServeOptions, simulator: ListenableSimulator): Promise<ServedGuests> {
  const { guest, guestDir, proxyMachine } = options;
  return openServedGuests({
    level: guest,
    worlds: () => simulator.worlds(),
    ...(guestDir === undefined ? {} : { folder: resolve(guestDir) }),
    proxyMachine,
  });
}

/** The version of the platform is that of its pools and clusters. */
function withVersion(spec: InventorySpec, differences: Differences | undefined): InventorySpec {
  const version = differences?.platform.version;
  if (version === undefined) return spec;
  return {
    ...spec,
    pools: spec.pools.map((pool) => ({ ...pool, version })),
    clusters: spec.clusters.map((cluster) => ({ ...cluster, version })),
  };
}

/** What listening at `host` changes about an inventory. */
async function adaptTo(host: string): Promise<(inventory: InventorySpec) => InventorySpec> {
  const isLoopback = isLoopbackAddress(host);
  // Hosts keep addresses of their own where the system has them and everything stays on this machine.
  if (isLoopback && (await canListenOn('127.231.17.5'))) return (inventory) => inventory;
  const ip = isLoopback || host === '0.0.0.0' ? '127.0.0.1' : host;
  return (inventory) => ({
    ...inventory,
    hosts: inventory.hosts.map((one) => ({ ...one, ip })),
    credentials: isLoopback ? inventory.credentials : inventory.credentials.map(withRandomSecrets),
  });
}

/** Where the network can connect, what follows from a well-known seed is no secret. */
function withRandomSecrets(login: CredentialSpec): CredentialSpec {
  if (login.password !== simplePassword(login.username)) return login;
  return {
    ...login,
    password: randomBytes(12).toString('base64url'),
    secretKey: randomBytes(20).toString('hex'),
  };
}

const isLoopbackAddress = (host: string): boolean => host.startsWith('127.') || host === 'localhost';

function createClock(mode: ClockMode): ScaledClock {
  const scale = scaleOf(mode);
  return new ScaledClock({ startMs: scale === 0 ? STANDING_START_MS : Date.now(), scale });
}

function accessRule(host: string): AccessRule {
  if (isLoopbackAddress(host)) return { kind: 'loopback' };
  return { kind: 'token', token: randomBytes(24).toString('base64url') };
}

async function loadProductOpenApi(): Promise<unknown> {
  return (await import('../contract/openapi.ts')).createOpenApi();
}

/** Turns a refusal of the system to listen into what the user can do about it. */
async function explain<T>(work: () => Promise<T>, host: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = codeOf(error);
    const port = (error as { port?: number }).port;
    if (code === 'EADDRINUSE')
      throw new CliError(
        'environment',
        `port ${port} is taken by another process`,
        'Choose other ports with --port, --hci-port, --nbd-port and --control-port (0 takes a free one), or use --json.',
        { cause: error },
      );
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new CliError(
        'environment',
        `cannot listen on ${host}${port === undefined ? '' : `, port ${port}`} (${code})`,
        'Choose an address of this machine with --host, and ports that you may use.',
        { cause: error },
      );
    throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

const urlHost = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host);

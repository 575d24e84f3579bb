/**
 * A world's inventory from a preset and a seed: the same two give the same inventory, byte for byte.
 *
 * Ids and addresses come from the project's own random numbers, names and the like from faker.
 */
import { faker } from '@faker-js/faker/locale/en';
import { createIdSource, type IdSource } from '../../src/kernel/ids.ts';
import { createRng } from '../../src/kernel/rng.ts';
import type {
  ClusterSpec,
  DatastoreSpec,
  HostSpec,
  InventorySpec,
  PoolSpec,
  ServerSpec,
} from '../domain/inventory.ts';
import type { Draw } from './draw.ts';
import { generateServer } from './generate-server.ts';
import { firstHostAddress, hostAddress } from './host-address.ts';
import { generateCredentials } from './platform-login.ts';
import { PRESETS, type PresetName, type PresetShape } from './presets.ts';

const VERSION = '6.11.3';

export function generateInventory(preset: PresetName, seed: string): InventorySpec {
  const shape: PresetShape = PRESETS[preset];
  const rng = createRng(`${seed}/inventory/${preset}`);
  const draw: Draw = { rng, ids: createIdSource(rng.fork('ids')), faker };
  // The shared instance is safe here: generation is synchronous, and starts from a seed of its own.
  faker.seed(rng.u32());
  faker.setDefaultRefDate('2026-01-01T00:00:00Z');
  const pool = generatePool(draw);
  const clusters = times(shape.clusters, (at) => generateCluster(draw, pool, at));
  const hosts = generateHosts(draw, clusters, shape);
  const datastores = clusters.flatMap((cluster) => generateDatastores(draw, cluster, hosts, shape));
  const servers = generateServers(draw, { shape, clusters, hosts, datastores });
  return { pools: [pool], clusters, hosts, datastores, servers, credentials: generateCredentials(rng) };
}

function generatePool(draw: Draw): PoolSpec {
  const city = draw.faker.location.city();
  return {
    id: draw.ids.uuid(),
    name: `pool-${slug(city)}`,
    description: `Resource pool ${city}`,
    version: VERSION,
    tag: 'private',
  };
}

function generateCluster(draw: Draw, pool: PoolSpec, at: number): ClusterSpec {
  return {
    id: draw.ids.uuid(),
    name: `hci-${String(at + 1).padStart(2, '0')}`,
    poolId: pool.id,
    ip: `10.${20 + at}.0.10`,
    version: VERSION,
  };
}

function generateHosts(draw: Draw, clusters: readonly ClusterSpec[], shape: PresetShape): HostSpec[] {
  const first = firstHostAddress(draw.rng.fork('addresses'));
  const total = clusters.length * shape.hostsPerCluster;
  return times(total, (at) => {
    const cluster = clusters[Math.floor(at / shape.hostsPerCluster)];
    return {
      id: `host-${draw.ids.hex(12)}`,
      name: `${cluster?.name}-node-${String((at % shape.hostsPerCluster) + 1).padStart(2, '0')}`,
      ip: hostAddress(first, at),
      clusterId: cluster?.id ?? '',
      cores: draw.rng.pick([32, 48, 64, 96]),
      memoryMb: draw.rng.pick([256, 384, 512, 1024]) * 1024,
      serialNumber: draw.faker.string.alphanumeric({ length: 10, casing: 'upper' }),
    };
  });
}

function generateDatastores(
  draw: Draw,
  cluster: ClusterSpec,
  hosts: readonly HostSpec[],
  shape: PresetShape,
): DatastoreSpec[] {
  const members = hosts.filter((host) => host.clusterId === cluster.id);
  return times(shape.datastoresPerCluster, (at) => {
    // The first is reached by every host, the second by the first half, the rest by neighbours of some host.
    const reach = at === 0 ? members.length : Math.max(1, Math.floor(members.length / 2));
    const from = at <= 1 ? 0 : at % members.length;
    const hostIds = times(reach, (step) => members[(from + step) % members.length]?.id ?? '');
    return generateDatastore(draw, cluster, hostIds, at);
  });
}

const DATASTORE_TYPES = ['vs', 'iscsi', 'fc', 'nfs'] as const;

function generateDatastore(
  draw: Draw,
  cluster: ClusterSpec,
  hostIds: readonly string[],
  at: number,
): DatastoreSpec {
  const type = DATASTORE_TYPES[at % DATASTORE_TYPES.length] ?? 'vs';
  return {
    id: datastoreId(type, draw.ids),
    name: `${type}-${cluster.name}-${slug(draw.faker.color.human())}-${at + 1}`,
    type,
    clusterId: cluster.id,
    hostIds,
    totalMb: draw.rng.pick([64, 128, 256]) * 1024 * 1024,
  };
}

/**
 * Ids look different per kind of datastore.
 * @source SCP OpenAPI 6.11.1, storages
 */
function datastoreId(type: DatastoreSpec['type'], ids: IdSource): string {
  if (type === 'vs') return `${ids.hex(8)}_vs_vol_rep2`;
  return type === 'nfs' ? ids.hex(32) : `3600${ids.hex(28)}`;
}

interface Ground {
  readonly shape: PresetShape;
  readonly clusters: readonly ClusterSpec[];
  readonly hosts: readonly HostSpec[];
  readonly datastores: readonly DatastoreSpec[];
}

function generateServers(draw: Draw, ground: Ground): ServerSpec[] {
  const { shape, clusters } = ground;
  const names = new Set<string>();
  const site = (clusterAt: number) => {
    const cluster = clusters[clusterAt % clusters.length];
    return {
      hosts: ground.hosts.filter((host) => host.clusterId === cluster?.id),
      datastores: ground.datastores.filter((datastore) => datastore.clusterId === cluster?.id),
    };
  };
  const sites = times(clusters.length, site);
  const pickSite = (at: number) => sites[at % sites.length] ?? site(at);
  const servers = times(shape.servers, (at) =>
    generateServer(draw, { ...pickSite(at), shape, names, isProxy: false, number: at }),
  );
  const proxies = times(shape.proxiesPerCluster * clusters.length, (at) => {
    const { hosts, datastores } = pickSite(at);
    const inCluster = Math.floor(at / clusters.length);
    const host = hosts[Math.floor((inCluster * hosts.length) / shape.proxiesPerCluster)];
    const own = host === undefined ? hosts : [host];
    return generateServer(draw, {
      hosts: own,
      datastores,
      shape,
      names,
      isProxy: true,
      isProxyOff: inCluster % 2 === 1,
      number: at,
    });
  });
  return [...servers, ...proxies];
}

function slug(words: string): string {
  return words
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

function times<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

/** One server: what it is for, how big it is, where it lies. */
import type { DatastoreSpec, DiskSpec, HostSpec, NetworkSpec, ServerSpec } from '../domain/inventory.ts';
import type { Draw } from './draw.ts';
import type { PresetShape } from './presets.ts';

export interface ServerPlan {
  /** Where the server may run, of one cluster. */
  readonly hosts: readonly HostSpec[];
  readonly datastores: readonly DatastoreSpec[];
  readonly shape: PresetShape;
  /** Names given so far; gets the new one. */
  readonly names: Set<string>;
  readonly isProxy: boolean;
  readonly isProxyOff?: boolean;
  readonly number: number;
}

const ROLES = [
  'erp',
  'sql',
  'web',
  'mail',
  'files',
  'git',
  'build',
  'crm',
  'dns',
  'queue',
  'wiki',
  'bi',
  'vdi',
];
const STAGES = ['prod', 'prod', 'prod', 'test', 'dev'];
const LINUX = ['CentOS 7', 'Ubuntu 22.04', 'Debian 12', 'openEuler 22.03', 'Rocky Linux 9'];
const WINDOWS = ['Windows Server 2019', 'Windows Server 2022'];

export function generateServer(draw: Draw, plan: ServerPlan): ServerSpec {
  const { rng, ids, faker } = draw;
  const host = rng.pick(plan.hosts);
  const isWindows = !plan.isProxy && rng.float() < 0.3;
  return {
    id: ids.uuid(),
    vmId: thirteenDigits(draw),
    name: plan.isProxy ? `backup-proxy-${plan.number + 1}` : serverName(draw, plan),
    description: plan.isProxy
      ? 'Backup proxy'
      : `${faker.commerce.department()}, owner ${faker.person.fullName()}`,
    hostId: host.id,
    // The first server of every world runs; of the others, some are off.
    isRunning: plan.isProxy ? plan.isProxyOff !== true : plan.number === 0 || rng.float() < 0.75,
    sockets: rng.pick([1, 2]),
    coresPerSocket: rng.pick([1, 2, 4, 8]),
    memoryMb: rng.pick([2, 4, 8, 16, 32]) * 1024,
    osName: plan.isProxy ? 'Backup Proxy' : '',
    osKernel: isWindows ? 'windows' : 'linux',
    osDistribution: rng.pick(isWindows ? WINDOWS : LINUX),
    vmtools: plan.isProxy || rng.float() < 0.85 ? 1 : 0,
    disks: generateDisks(draw, plan, host),
    networks: generateNetworks(draw),
  };
}

/** `12` digits cannot be drawn at once: a 13-digit number is beyond 32 bits, but below 2^53. */
function thirteenDigits({ rng }: Draw): string {
  return String(rng.int(10 ** 12, 10 ** 13 - 1));
}

function serverName({ rng }: Draw, plan: ServerPlan): string {
  const stem = `${rng.pick(ROLES)}-${rng.pick(STAGES)}`;
  for (let number = 1; ; number++) {
    const name = `${stem}-${String(number).padStart(2, '0')}`;
    if (plan.names.has(name)) continue;
    plan.names.add(name);
    return name;
  }
}

function generateDisks(draw: Draw, plan: ServerPlan, host: HostSpec): DiskSpec[] {
  const [min, max] = plan.shape.disksPerServer;
  // The first server of a world has all that a server can have, so that every preset holds it.
  const count = plan.isProxy ? 1 : plan.number === 0 ? max : draw.rng.int(min, max);
  const reachable = plan.datastores.filter((datastore) => datastore.hostIds.includes(host.id));
  return Array.from({ length: count }, (_, at) => generateDisk(draw, plan, reachable, at));
}

const SECTOR_BYTES = 512;
const MIB = 2 ** 20;

function generateDisk(
  { rng }: Draw,
  plan: ServerPlan,
  reachable: readonly DatastoreSpec[],
  at: number,
): DiskSpec {
  const [minBytes, maxBytes] = plan.shape.diskBytes;
  const wholeBytes = Math.round(rng.int(minBytes, maxBytes) / MIB) * MIB;
  // Every third disk ends inside a block, where clipping goes wrong.
  const tailBytes = at % 3 === 1 ? rng.int(1, 127) * SECTOR_BYTES : 0;
  const sizeBytes = wholeBytes + tailBytes;
  const [minData, maxData] = plan.shape.dataBytes;
  return {
    deviceId: at === 2 ? 'virtio0' : `ide${at}`,
    sizeBytes,
    datastoreId: rng.pick(reachable).id,
    preallocate: rng.pick(['off', 'off', 'metadata', 'full']),
    content: {
      kind: 'synthetic',
      allocatedRatio: Math.min(0.9, rng.int(minData, maxData) / sizeBytes),
      runBytes: rng.pick([4, 8, 16, 64]) * 65_536,
    },
  };
}

function generateNetworks({ faker, rng }: Draw): NetworkSpec[] {
  return [
    {
      vifId: 'net0',
      // Locally administered, for one station: what faker draws may be a group address.
      macAddress: `02${faker.internet.mac().toLowerCase().slice(2)}`,
      ipAddress: `10.${rng.int(100, 199)}.${rng.int(0, 255)}.${rng.int(2, 254)}`,
      name: `${faker.word.noun()}-lan`,
    },
  ];
}

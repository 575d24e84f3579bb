/** The filters of the server list: one predicate per query parameter. */
import type { serversQuery } from '../../../src/contract/schemas/servers.ts';
import type { Static } from '../../../src/contract/schema.ts';
import type { Server } from '../../domain/world-api.ts';
import { namesIn } from '../list-page.ts';
import { PROJECT } from '../views/derived.ts';

export type ServersQuery = Static<typeof serversQuery>;

type Filters = {
  readonly [K in keyof ServersQuery]?: (wanted: NonNullable<ServersQuery[K]>, server: Server) => boolean;
};

const contains = (value: string, wanted: string): boolean =>
  value.toLowerCase().includes(wanted.toLowerCase());

const isOn = (server: Server): boolean => server.status !== 'stopped';

/** A documented filter on something that no server here has finds nothing. */
const none = (): boolean => false;

const FILTERS: Filters = {
  vmtype: (wanted) => wanted === 'vm',
  network_type: (wanted) => wanted === 'vpc',
  vpc_id: none,
  subnet_id: none,
  type: (wanted) => wanted === 'hci',
  status: (wanted, server) => wanted === server.status,
  project_id: (wanted) => wanted === PROJECT.id,
  az_id: (wanted, server) => wanted === server.poolId,
  host_id: (wanted, server) => wanted === server.hostId,
  group_id: (wanted, server) => wanted === server.groupId,
  storage_id: (wanted, server) => wanted === server.disks[0]?.datastoreId,
  in_protection: (wanted) => wanted === 0,
  protection_id: none,
  protection_type: none,
  power_state: (wanted, server) => ['on', 'true', '1'].includes(wanted) === isOn(server),
  expire_time: (wanted) => wanted === 'unlimited',
  has_gpu: (wanted) => wanted === 0,
  vm_ids: (wanted, server) => namesIn(wanted).includes(server.vmId),
  storage_ids: (wanted, server) => {
    const ids = namesIn(wanted);
    return server.disks.some(({ datastoreId }) => ids.includes(datastoreId));
  },
  ids: (wanted, server) => namesIn(wanted).includes(server.id),
  turbo_mode_enabled: (wanted, server) => (wanted === 1) === server.isTurboMode,
  name: (wanted, server) => contains(server.name, wanted),
  query_name: (wanted, server) => contains(server.name, wanted),
  query_ip: (wanted, server) => server.networks.some(({ ipAddress }) => contains(ipAddress, wanted)),
  query_fip: none,
  query_kms: none,
  query_vmtools_version: none,
};

/** Whether a server passes all filters of the query. */
export function serverFilter(query: ServersQuery): (server: Server) => boolean {
  const filters = Object.entries(query).flatMap(([name, wanted]) => {
    const filter = FILTERS[name as keyof ServersQuery] as
      | ((wanted: unknown, server: Server) => boolean)
      | undefined;
    return filter === undefined || wanted === undefined ? [] : [(server: Server) => filter(wanted, server)];
  });
  return (server) => filters.every((passes) => passes(server));
}

/** Resource pools, clusters, hosts and datastores. @source SCP OpenAPI 6.11.1, azs, clusters, hosts, storages */
import { extend, integer, listOf, number, object, oneOf, type Static, text, zeroOne } from '../schema.ts';
import { PAGE_FIELDS, uuid } from './page.ts';

const areaStatus = oneOf('normal', 'offline', 'unauthorized', 'master_offline', 'password_error');

export const azsQuery = object({}, { ...PAGE_FIELDS, type: text, tag: text });

export const azItem = object({
  id: text,
  name: text,
  description: text,
  status: areaStatus,
  type: oneOf('hci', 'vmware'),
  tag: oneOf('private', 'public'),
  version: text,
});

export const azDetail = extend(azItem, {
  physical_resources: listOf(object({ name: text, total: number, used: number, unit: text })),
  /** `limit` -1: none. */
  virtual_resources: listOf(
    object({ name: text, allocated: number, limit: number, occupied: number, total: number, unit: text }),
  ),
  dhs: listOf(object({ id: text, name: text, tag: text, type: oneOf('elastic', 'dedicated') })),
  maintain_mode: zeroOne,
  safe_acl: zeroOne,
});

export const clustersQuery = object({}, { ...PAGE_FIELDS, az_id: uuid, type: text, name: text });

const usageMhz = object({ ratio: number, total_mhz: number, used_mhz: number });
const usageMb = object({ ratio: number, total_mb: number, used_mb: number });

export const clusterItem = object({
  id: text,
  name: text,
  ip: text,
  controller_ip: text,
  az_id: text,
  type: text,
  arch_type: oneOf('hci_x86', 'hci_arm', 'vmware'),
  version: text,
  status: areaStatus,
  authorize_mode: text,
  description: text,
  project_ids: listOf(text),
  sp_list: listOf(object({ name: text })),
  cpu: usageMhz,
  memory: usageMb,
  storage: usageMb,
});

/** `cluster_id` is the name under which HCI knows itself, not the id that SCP gave it. */
export const clusterDetail = extend(clusterItem, { cluster_id: text, cluster_ip: text, port: integer });

export const hostsQuery = object(
  {},
  {
    ...PAGE_FIELDS,
    az_id: uuid,
    dh_id: text,
    cluster_id: text,
    type: text,
    status: text,
    name: text,
    ip: text,
  },
);

export const hostItem = object(
  {
    id: text,
    name: text,
    ip: text,
    az_id: text,
    cluster_id: text,
    cluster_name: text,
    cluster_type: oneOf('hci', 'vmware'),
    type: text,
    status: oneOf('running', 'offline'),
    description: text,
    dh_id: text,
    is_use_vs: zeroOne,
    alarm_count: integer,
    serial_number: text,
    cpu: extend(usageMhz, {
      type: text,
      socket_count: integer,
      core_count: integer,
      cores_per_socket: integer,
      thread_per_socket: integer,
      allocation_ratio: number,
      allocation_max: number,
    }),
    memory: extend(usageMb, { allocation_ratio: number, allocation_max: number }),
    gpu: object({
      total: integer,
      used: integer,
      ratio: number,
      memory_total_mb: integer,
      memory_used_mb: integer,
      memory_ratio: number,
    }),
    storage: object({ total_mb: integer }),
    reserves: object({ memory_mb: integer }),
    system_disk: object({
      status: text,
      type: text,
      pin: text,
      online_status: integer,
      ssd_remaining_life: text,
    }),
  },
  { storage_iqn: text, cpu_vendor_id: text },
);

export const storagesQuery = object(
  {},
  {
    ...PAGE_FIELDS,
    name: text,
    type: text,
    status: text,
    storage_tag_id: text,
    az_id: uuid,
    target: text,
    archive_usable: oneOf('0', '1'),
    backup_enable: oneOf('0', '1'),
    shared: oneOf('0', '1'),
    storage_ids: listOf(text),
  },
);

/** The join of hosts and datastores: `host_ids`. A host has no list of datastores. */
export const storageItem = object({
  id: text,
  name: text,
  description: text,
  type: text,
  status: text,
  az_id: text,
  cluster_id: text,
  cluster_name: text,
  cluster_type: text,
  host_ids: listOf(text),
  hosts_online_state: text,
  connected_hosts: integer,
  shared: zeroOne,
  total_mb: integer,
  used_mb: integer,
  ratio: number,
  max_read_byteps: number,
  max_write_byteps: number,
  read_byteps: number,
  write_byteps: number,
  backup_enable: zeroOne,
  archive_usable: zeroOne,
  backup_total_mb: number,
  backup_used_mb: number,
  backup_ratio: number,
  backup_server_count: number,
  supported_allocate_types: listOf(oneOf('off', 'metadata', 'full')),
  storage_tag_id: text,
  storage_tag_name: text,
  storage_label: text,
  target: text,
});

export type AzItem = Static<typeof azItem>;
export type AzDetail = Static<typeof azDetail>;
export type ClusterItem = Static<typeof clusterItem>;
export type ClusterDetail = Static<typeof clusterDetail>;
export type HostItem = Static<typeof hostItem>;
export type StorageItem = Static<typeof storageItem>;

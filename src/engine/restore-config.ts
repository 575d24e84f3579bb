/**
 * The configuration of a new server, from the one that was backed up.
 * @source SCP OpenAPI 6.11.1, servers/config; SCP 6.11.3 guide, recovery to a new VM
 */
import type { Json } from '../kernel/journal.ts';
import type { PointInfo } from '../repository/repository-api.ts';
import type { Datastore } from '../sdk/scp-client-api.ts';

type JsonObject = { readonly [key: string]: Json };

export interface NewServerOrder {
  readonly vmconf: JsonObject;
  readonly name: string;
  readonly description: string;
  readonly datastore: Datastore;
  readonly point: PointInfo;
  /** The backed-up server still exists: the new one must not answer to its addresses. */
  readonly isCopy: boolean;
}

const GIB = 1024 ** 3;

export function buildServerConfig(order: NewServerOrder): JsonObject {
  const { vmconf, datastore } = order;
  const hardware = objectOf(vmconf.hardware_option);
  return {
    ...vmconf,
    az_id: datastore.poolId,
    name: order.name,
    description: order.description,
    datastore_id: datastore.id,
    // The host of old may be gone or full; the platform chooses.
    host_id: 'cluster',
    os_option: objectOf(vmconf.os_option),
    // The document gives a number here and a string in the snapshot.
    ...(vmconf.logo === undefined ? {} : { logo: Number(vmconf.logo) || 0 }),
    advanced_option: advancedOption(objectOf(vmconf.advanced_option), order.isCopy),
    hardware_option: {
      ...hardware,
      memory: memoryOption(objectOf(hardware.memory)),
      disks: listOf(hardware.disks).map((disk) => diskOption(disk, order.point)),
      network_adapters: listOf(hardware.network_adapters).map((adapter) =>
        adapterOption(adapter, order.isCopy),
      ),
    },
  };
}

/** A copy gets an identity of its own. */
function advancedOption(options: JsonObject, isCopy: boolean): JsonObject {
  const { uuid, ...rest } = options;
  return isCopy || uuid === undefined ? rest : options;
}

/** One switch has two names: one in the snapshot, another in the call. */
function memoryOption(memory: JsonObject): JsonObject {
  const { huge_page_enabled: isHuge, ...rest } = memory;
  return isHuge === undefined ? rest : { ...rest, hugepage_enabled: isHuge };
}

/** The configuration may round the size; the point knows it exactly. */
function diskOption(disk: JsonObject, point: PointInfo): JsonObject {
  const slot = disk.device_id ?? disk.id;
  const deviceId = typeof slot === 'string' ? slot : '';
  const known = point.disks.find((candidate) => candidate.deviceId === deviceId);
  return known === undefined ? disk : { ...disk, device_id: deviceId, size_gb: known.sizeBytes / GIB };
}

/** `connected` is a boolean in the snapshot and 0 or 1 in the call. */
function adapterOption(adapter: JsonObject, isCopy: boolean): JsonObject {
  const { mac_address: mac, connected, ...rest } = adapter;
  if (isCopy) return { ...rest, connected: 0 };
  const isConnected = connected === true || connected === 1;
  return { ...rest, ...(mac === undefined ? {} : { mac_address: mac }), connected: isConnected ? 1 : 0 };
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function listOf(value: Json | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.map(objectOf) : [];
}

/** Hosts, datastores and servers, from the platform's fields to the SDK's. */
import { FieldReader } from './field-reader.ts';
import type { ConfiguredDisk, Datastore, Host, ServerConfiguration, ServerItem } from './scp-client-api.ts';

export function readHost(item: FieldReader): Host {
  return {
    id: item.string('id'),
    ip: item.string('ip'),
    isRunning: item.stringOr('status', 'running') === 'running',
  };
}

export function readDatastore(item: FieldReader): Datastore {
  return {
    id: item.string('id'),
    name: item.string('name'),
    poolId: item.stringOr('az_id', ''),
    status: item.stringOr('status', ''),
    hostIds: item.strings('host_ids'),
    freeMb: item.numberOr('total_mb', 0) - item.numberOr('used_mb', 0),
  };
}

export function readServerItem(item: FieldReader): ServerItem {
  const isDesktop = item.stringOr('application', '').toLowerCase() === 'desk';
  return {
    id: item.string('id'),
    name: item.string('name'),
    description: item.stringOr('description', ''),
    poolId: item.stringOr('az_id', ''),
    hostId: item.stringOr('host_id', ''),
    status: item.stringOr('status', ''),
    platform: item.stringOr('type', 'hci'),
    kind: item.stringOr('vmtype', 'vm'),
    osName: item.stringOr('os_name', ''),
    isTurboMode: item.flag('turbo_mode_enabled') || item.objectOr('advance_param').flag('turbo_mode_enabled'),
    isRevertingDesktop: isDesktop && item.flag('revert_mode'),
    isInProtection: item.flag('in_protection'),
    // -1 and -2 say why there are none.
    hasVmtools: item.flag('vtool_installed'),
  };
}

export function readServerConfiguration(data: unknown): ServerConfiguration {
  const fields = new FieldReader('servers.get', data);
  return {
    id: fields.string('id'),
    name: fields.string('name'),
    hostId: fields.stringOr('host_id', ''),
    status: fields.stringOr('status', ''),
    osName: fields.stringOr('os_name', ''),
    disks: fields.list('disks', readConfiguredDisk),
  };
}

/** Before 6.11.3 a disk has neither an identity of its own nor a purpose. */
function readConfiguredDisk(disk: FieldReader): ConfiguredDisk {
  return {
    deviceId: disk.string('id'),
    diskId: disk.stringOr('disk_id', ''),
    datastoreId: disk.stringOr('storage_id', ''),
    sizeMb: disk.numberOr('size_mb', 0),
    purpose: disk.stringOr('application_type', 'normal'),
  };
}

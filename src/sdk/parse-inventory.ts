/** Hosts, datastores and servers, from the platform's fields to the SDK's. */
import type { FieldReader } from './field-reader.ts';
import type { Datastore, Host, ServerItem } from './scp-client-api.ts';

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
    poolId: item.stringOr('az_id', ''),
    hostId: item.stringOr('host_id', ''),
    status: item.stringOr('status', ''),
    platform: item.stringOr('type', 'hci'),
    kind: item.stringOr('vmtype', 'vm'),
    osName: item.stringOr('os_name', ''),
    isTurboMode: item.flag('turbo_mode_enabled') || item.objectOr('advance_param').flag('turbo_mode_enabled'),
    isRevertingDesktop: isDesktop && item.flag('revert_mode'),
    isInProtection: item.flag('in_protection'),
  };
}

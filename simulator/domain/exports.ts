/**
 * What the NBD services of a world export: one name per disk of every running backup resource.
 *
 * Names are `<resource_id>/<device_id>`. Whatever is not running (pending, ended, never existed) is `unknown`, so
 * that a refused client learns nothing.
 *
 * @fidelity assumed: the vendor's library hides the names, and whether plain NBD is refused for `nbd_ssl`
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { DeviceId, ResourceId } from '../../src/kernel/ids.ts';
import type {
  ExportConnection,
  ExportDevice,
  ExportDirectory,
  ExportRefusal,
  OpenExport,
} from '../nbd/export-device.ts';
import { isServing } from './backup-lease.ts';
import { exportLiveDisk, exportSnapshotDisk } from './exported-disk.ts';
import { datastoreOf, refuseUnread, refuseUnwritten } from './storage-state.ts';
import { noteFirstWrite } from './restore-writes.ts';
import type { ResourceRecord, WorldState } from './world-state.ts';

interface FoundExport {
  readonly resource: ResourceRecord;
  readonly deviceId: DeviceId;
  readonly device: ExportDevice;
}

export function createExports(state: WorldState): ExportDirectory {
  return {
    list(isTls) {
      state.agenda.settle();
      if (state.settings.isTlsRequired && !isTls) return [];
      return [...state.resources.values()].filter(isServing).flatMap(exportsOf);
    },
    find(name, isTls) {
      const found = findExport(state, name, isTls);
      return typeof found === 'string' ? found : found.device;
    },
    open(name, connection) {
      const found = findExport(state, name, connection.isTls);
      return typeof found === 'string' ? found : openExport(found, connection);
    },
  };
}

function exportsOf(resource: ResourceRecord): { name: string; description: string }[] {
  return devicesOf(resource).map((deviceId) => ({
    name: `${resource.id}/${deviceId}`,
    description: describe(resource, deviceId),
  }));
}

function devicesOf(resource: ResourceRecord): DeviceId[] {
  const { snapshot, server } = resource;
  return snapshot === undefined ? server.disks.map((disk) => disk.deviceId) : [...snapshot.disks.keys()];
}

function describe(resource: ResourceRecord, deviceId: DeviceId): string {
  const what = resource.snapshot === undefined ? 'live disk' : `snapshot ${resource.snapshot.name}`;
  return `${resource.server.name} ${deviceId}, ${what}`;
}

function findExport(state: WorldState, name: string, isTls: boolean): FoundExport | ExportRefusal {
  state.agenda.settle();
  const slash = name.lastIndexOf('/');
  const resource = state.resources.get(name.slice(0, Math.max(slash, 0)) as ResourceId);
  if (resource === undefined || !isServing(resource)) return 'unknown';
  const deviceId = name.slice(slash + 1) as DeviceId;
  const device = deviceOf(state, resource, deviceId);
  if (device === undefined) return 'unknown';
  return state.settings.isTlsRequired && !isTls ? 'tls-required' : { resource, deviceId, device };
}

function deviceOf(state: WorldState, resource: ResourceRecord, deviceId: DeviceId): ExportDevice | undefined {
  const { snapshot, server } = resource;
  const store = datastoreOf(state, server, deviceId);
  const check = (): void => {
    state.agenda.settle();
    if (!isServing(resource)) throw new ApiError('RESOURCE_GONE', resource.id);
    refuseUnread(store);
  };
  const frozen = snapshot?.disks.get(deviceId);
  if (frozen !== undefined)
    return exportSnapshotDisk(server, deviceId, frozen, state.settings.granularityBytes, check);
  const live = resource.type === 'restore' && server.disks.find((disk) => disk.deviceId === deviceId);
  if (!live) return undefined;
  return exportLiveDisk(live.image, check, () => {
    refuseUnwritten(store);
    noteFirstWrite(state, resource);
  });
}

function openExport(found: FoundExport, connection: ExportConnection): OpenExport {
  const { resource, device } = found;
  resource.connections.add(connection);
  return {
    device,
    description: describe(resource, found.deviceId),
    release: () => resource.connections.delete(connection),
  };
}

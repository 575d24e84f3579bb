/** A disk as the guest's kernel makes a device of it. */
import { guestDiskSerial } from '../../src/contract/assumed.ts';
import type { World } from '../domain/world-api.ts';
import { deviceName, freeDeviceName } from './device-names.ts';
import type { GuestDevice } from './guest-api.ts';
import type { Sight } from './guest-faults.ts';
import type { GuestPresence } from './guest-presence.ts';
import { sizeInSectors } from './whole-sectors.ts';

/** `others`: everything that is plugged in, of any guest. */
export function recogniseDevice(
  { server, disk, content }: GuestPresence,
  { isOtherFamily, serialCharacters }: Sight,
  others: Iterable<GuestPresence>,
  world: World,
): GuestDevice {
  const taken = new Set<string>();
  for (const other of others)
    if (other.server.id === server.id && other.recognised !== undefined) taken.add(other.recognised.name);
  return {
    name: freeDeviceName(isOtherFamily ? 'sd' : 'vd', ownDevices(world, server.id).length, taken),
    serial: serialCharacters === undefined ? guestDiskSerial(disk.id) : disk.id.slice(0, serialCharacters),
    sizeBytes: content.sizeBytes,
    isReadOnly: content.isReadOnly,
    diskId: disk.id,
  };
}

/** A server's own disks as its guest sees them. They have the first names, whatever their bus. */
export function ownDevices(world: World, serverId: string): GuestDevice[] {
  const added = new Set<string>(world.hotAdd.list(serverId).map(({ slot }) => slot));
  const own = world.servers.get(serverId).disks.filter(({ deviceId }) => !added.has(deviceId));
  return own.map(({ uuid, sizeBytes }, index) => ({
    name: deviceName('vd', index),
    serial: guestDiskSerial(uuid),
    sizeBytes: sizeInSectors(sizeBytes),
    isReadOnly: false,
    diskId: uuid,
  }));
}

import { ApiError } from '../../src/contract/errors.ts';
import type { Server, ServerDisk } from '../domain/world-api.ts';
import type { ControlCall, ControlledWorld } from './control-api.ts';

/** The world that the path names, by id, or by `default` for the first one. @throws NOT_FOUND */
export function worldOf({ host, params }: ControlCall): ControlledWorld {
  const worlds = host.worlds();
  const wanted = params['world'] ?? '';
  const found = wanted === 'default' ? worlds[0] : worlds.find(({ world }) => world.id === wanted);
  if (found !== undefined) return found;
  const known = worlds.slice(0, 8).map(({ world }) => world.id);
  throw new ApiError('NOT_FOUND', `no world ${wanted}; there are: ${known.join(', ') || 'none'}`);
}

/** The server that the path names, by id or name. @throws NOT_FOUND */
export function serverOf(call: ControlCall): ControlledWorld & { readonly server: Server } {
  const controlled = worldOf(call);
  controlled.world.settle();
  return { ...controlled, server: controlled.world.servers.find(call.params['server'] ?? '') };
}

/** The disk that the path names, by slot. @throws NOT_FOUND, UNKNOWN_DISK */
export function diskOf(
  call: ControlCall,
): ControlledWorld & { readonly server: Server; readonly disk: ServerDisk } {
  const found = serverOf(call);
  const wanted = call.params['disk'] ?? '';
  const disk = found.server.disks.find(({ deviceId }) => deviceId === wanted);
  if (disk !== undefined) return { ...found, disk };
  const known = found.server.disks.map(({ deviceId }) => deviceId).join(', ');
  throw new ApiError('UNKNOWN_DISK', `${wanted}; ${found.server.name} has ${known || 'none'}`);
}

/** @throws INVALID_PARAMETER unless the range lies inside the disk */
export function checkRange(disk: ServerDisk, offset: number, length: number): void {
  const isInside = offset >= 0 && length >= 0 && offset + length <= disk.sizeBytes;
  if (!isInside || !Number.isSafeInteger(offset + length))
    throw new ApiError(
      'INVALID_PARAMETER',
      `bytes ${offset} to ${offset + length} are not inside ${disk.deviceId}, which has ${disk.sizeBytes}`,
    );
}

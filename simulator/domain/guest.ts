/** What the operating system inside a server does to its disks; every change is written to the journal. */
import { ApiError } from '../../src/contract/errors.ts';
import type { DeviceId, SnapshotId } from '../../src/kernel/ids.ts';
import { concat } from '../store/content-reader.ts';
import type { DiskContent } from '../store/frozen-layer.ts';
import { createGuestExec } from './guest-exec.ts';
import type { VirtualDisk } from './virtual-disk.ts';
import type { Guest } from './world-api.ts';
import { type WorldState, diskOf, serverOf } from './world-state.ts';

type ChangeKind = 'data' | 'zero' | 'trim';

export function createGuest(state: WorldState): Guest {
  const change = (
    kind: ChangeKind,
    serverId: string,
    deviceId: string,
    offset: number,
    length: number,
  ): VirtualDisk['image'] => {
    const server = serverOf(state, serverId);
    const { image } = diskOf(server, deviceId);
    checkRange(image.sizeBytes, offset, length);
    state.journal.append({ type: 'guest.write', server: server.id, device: deviceId, kind, offset, length });
    return image;
  };
  return {
    write: (serverId, deviceId, offset, data) =>
      change('data', serverId, deviceId, offset, data.length).write(offset, data),
    zero: (serverId, deviceId, offset, length) =>
      change('zero', serverId, deviceId, offset, length).zero(offset, length, false),
    trim: (serverId, deviceId, offset, length) =>
      change('trim', serverId, deviceId, offset, length).trim(offset, length),
    writeSynthetic(serverId, deviceId, firstBlock, blockCount) {
      const { sizeBytes } = diskOf(serverOf(state, serverId), deviceId).spec;
      const { granularityBytes: grain } = state.settings;
      checkBlocks(Math.ceil(sizeBytes / grain), firstBlock, blockCount);
      const offset = firstBlock * grain;
      // The last block of a disk may be short.
      const length = Math.min((firstBlock + blockCount) * grain, sizeBytes) - offset;
      change('data', serverId, deviceId, offset, length).writeSynthetic(firstBlock, blockCount);
    },
    ...createGuestExec(state),
    read: (serverId, deviceId, offset, length) =>
      readBytes(diskOf(serverOf(state, serverId), deviceId).image, offset, length),
    readSnapshot(serverId, snapshotId, deviceId, offset, length) {
      const snapshot = serverOf(state, serverId).snapshots.get(snapshotId as SnapshotId);
      if (snapshot === undefined) throw new ApiError('UNKNOWN_SNAPSHOT', snapshotId);
      const disk = snapshot.disks.get(deviceId as DeviceId);
      if (disk === undefined) throw new ApiError('UNKNOWN_DISK', deviceId);
      return readBytes(disk.layer, offset, length);
    },
  };
}

function readBytes(content: DiskContent, offset: number, length: number): Uint8Array | Promise<Uint8Array> {
  checkRange(content.sizeBytes, offset, length);
  const pieces = content.read(offset, length);
  return pieces instanceof Promise ? pieces.then(concat) : concat(pieces);
}

function checkRange(sizeBytes: number, offset: number, length: number): void {
  if (!isWithin(sizeBytes, offset, length))
    throw new ApiError('INVALID_PARAMETER', `range ${offset}+${length} of a disk of ${sizeBytes} bytes`);
}

function checkBlocks(blockCount: number, first: number, count: number): void {
  if (!isWithin(blockCount, first, count))
    throw new ApiError('INVALID_PARAMETER', `blocks ${first}+${count} of a disk of ${blockCount} blocks`);
}

function isWithin(size: number, start: number, length: number): boolean {
  const isWhole = Number.isSafeInteger(start) && Number.isSafeInteger(length);
  return isWhole && start >= 0 && length >= 0 && start + length <= size;
}

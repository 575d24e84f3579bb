/**
 * What a guest's system writes to a disk that it sees for the first time and that nobody told it to leave alone.
 *
 * Model: four bytes of signature at 440 of the first sector and the boot mark 55 AA at 510, the rest of the sector as
 * it was: what Windows does to a disk that comes online (its partition manager also does it to one whose signature is
 * taken). The bytes are always the same, so that a run repeats.
 * @source Microsoft, Win32 DISK_GEOMETRY and DRIVE_LAYOUT_INFORMATION_MBR; failure story of mounted clones
 */
import { StorageError } from '../domain/storage-state.ts';
import type { ExportDevice } from '../nbd/export-device.ts';
import { SECTOR_BYTES } from './whole-sectors.ts';

const SIGNATURE_AT = 440;
const SIGNATURE = Uint8Array.of(0xb1, 0xac, 0x10, 0x07);
const BOOT_MARK_AT = 510;
const BOOT_MARK = Uint8Array.of(0x55, 0xaa);

/**
 * Signs the disk; a promise only where its first sector has to be fetched. What a full datastore, or one that is away,
 * does not take stays unsigned: the result is false.
 */
export function signDisk(device: ExportDevice): boolean | Promise<boolean> {
  try {
    const read = device.read(0, SECTOR_BYTES);
    const signed = read instanceof Promise ? read.then((pieces) => sign(device, pieces)) : sign(device, read);
    return signed instanceof Promise ? signed.then(isSigned, isRefused) : true;
  } catch (error) {
    return isRefused(error);
  }
}

const isSigned = (): boolean => true;

function isRefused(error: unknown): boolean {
  if (error instanceof StorageError) return false;
  throw error;
}

function sign(device: ExportDevice, pieces: readonly Uint8Array[]): void | Promise<void> {
  // A copy: the pieces are shared memory.
  const sector = Buffer.concat(pieces, SECTOR_BYTES);
  sector.set(SIGNATURE, SIGNATURE_AT);
  sector.set(BOOT_MARK, BOOT_MARK_AT);
  return device.write(0, sector);
}

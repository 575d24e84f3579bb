/** Two restore points held against each other, byte by byte. */
import type { PointReader, Repository } from '../../src/repository/repository-api.ts';

export interface PointComparison {
  readonly bytes: number;
  /** Bytes in sectors that differ. */
  readonly differences: number;
  /** Slot and offset of the first ones. */
  readonly where: readonly string[];
}

const STEP_BYTES = 1024 * 1024;
const SECTOR_BYTES = 512;
const MOST_PLACES = 5;

/** Disks are paired by their place in the configuration: a new server may name its slots otherwise. */
export async function comparePoints(
  repository: Repository,
  one: string,
  other: string,
): Promise<PointComparison> {
  const [left, right] = [await repository.open(one), await repository.open(other)];
  const where: string[] = [];
  let bytes = 0;
  let differences = 0;
  for (const [at, { deviceId, sizeBytes }] of left.info.disks.entries()) {
    const twin = right.info.disks[at];
    if (twin === undefined || twin.sizeBytes < sizeBytes) {
      differences += sizeBytes;
      where.push(
        `${deviceId}: ${twin === undefined ? 'is missing' : `has ${twin.sizeBytes} bytes of ${sizeBytes}`}`,
      );
      continue;
    }
    for await (const { offset, a, b } of pairs(left, right, deviceId, twin.deviceId, sizeBytes)) {
      bytes += a.length;
      if (Buffer.compare(a, b) === 0) continue;
      for (let from = 0; from < a.length; from += SECTOR_BYTES) {
        const sector = a.subarray(from, from + SECTOR_BYTES);
        if (Buffer.compare(sector, b.subarray(from, from + SECTOR_BYTES)) === 0) continue;
        differences += sector.length;
        where.push(`${deviceId} at ${offset + from}`);
      }
    }
  }
  return { bytes, differences, where: where.slice(0, MOST_PLACES) };
}

async function* pairs(
  left: PointReader,
  right: PointReader,
  deviceId: string,
  twinId: string,
  sizeBytes: number,
): AsyncGenerator<{ readonly offset: number; readonly a: Uint8Array; readonly b: Uint8Array }> {
  for (let offset = 0; offset < sizeBytes; offset += STEP_BYTES) {
    const length = Math.min(STEP_BYTES, sizeBytes - offset);
    const a = await left.read(deviceId, offset, length);
    yield { offset, a, b: await right.read(twinId, offset, length) };
  }
}

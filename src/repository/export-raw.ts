import { dataBlocks, diskSizeBytes } from './data-blocks.ts';
import type { PointReader } from './repository-api.ts';

/** Where an export goes: a new, empty file that may be written in any order. */
export interface ExportSink {
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Sets the size; what was never written reads as zeros. */
  truncate(sizeBytes: number): Promise<void>;
}

/** Writes a disk as a raw image. Zeros are left out, so on most file systems the file is sparse. */
export async function exportDisk(reader: PointReader, deviceId: string, sink: ExportSink): Promise<void> {
  await sink.truncate(diskSizeBytes(reader, deviceId));
  for await (const { offset, bytes } of dataBlocks(reader, deviceId)) await sink.write(offset, bytes);
}

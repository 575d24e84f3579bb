import { open } from 'node:fs/promises';
import type { ExportSink } from '../repository/export-raw.ts';

/** A new file for an export. Closing syncs it. Refuses to overwrite. */
export async function createFileSink(path: string): Promise<ExportSink & AsyncDisposable> {
  const file = await open(path, 'wx');
  return {
    async write(offset, bytes) {
      for (let done = 0; done < bytes.length; ) {
        done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
      }
    },
    truncate: (sizeBytes) => file.truncate(sizeBytes),
    async [Symbol.asyncDispose]() {
      try {
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

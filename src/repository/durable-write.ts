import type { Storage } from './storage.ts';

/**
 * Writes a file so that it is either whole or absent under its name: temporary, sync, rename. The name itself is
 * durable after a `sync` of the folder, which is left to the caller (once for many files).
 */
export async function writeWhole(
  storage: Storage,
  path: string,
  bytes: Uint8Array,
  temporary: string,
): Promise<void> {
  try {
    await storage.write(temporary, bytes);
    await storage.sync(temporary);
    await storage.rename(temporary, path);
  } catch (error) {
    await removeQuietly(storage, temporary);
    throw error;
  }
}

/** For clean-up after a failure: what is left is swept later, and the first error is the one to report. */
export async function removeQuietly(storage: Storage, path: string): Promise<void> {
  try {
    await storage.remove(path);
  } catch {
    // swept by the next prune
  }
}

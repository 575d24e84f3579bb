/**
 * Compares a committed point with what it was read from: every byte of every disk, also those that the map called
 * unchanged. It is the only check that notices a map which leaves changes out.
 */
import type { PointReader } from '../repository/repository-api.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { piecesOf } from './ranges.ts';
import { runWorkers } from './run-workers.ts';

export interface VerifyOptions {
  readonly reader: PointReader;
  readonly deviceId: string;
  readonly nbd: OpenDisk;
  readonly readBytes: number;
  readonly parallel: number;
  readonly signal: AbortSignal;
}

/** The image differs from the snapshot it was made from. */
export class VerificationFailed extends Error {
  override readonly name = 'VerificationFailed';
}

/** @throws VerificationFailed at the first difference found */
export async function verifyDisk(options: VerifyOptions): Promise<void> {
  const { reader, deviceId, nbd, signal } = options;
  const whole = [{ offset: 0, length: nbd.info.sizeBytes }];
  await runWorkers(piecesOf(whole, options.readBytes), options.parallel, async ({ offset, length }) => {
    const [source, stored] = await Promise.all([
      nbd.read(offset, length, signal),
      reader.read(deviceId, offset, length),
    ]);
    if (source.compare(stored) !== 0)
      throw new VerificationFailed(
        `${deviceId} differs from its source between ${offset} and ${offset + length}`,
      );
  });
}

/** Moves the planned ranges of one disk from the platform into a restore point. */
import type { PointWriter } from '../repository/repository-api.ts';
import type { DiskPlan } from './disk-plan.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { complementOf, piecesOf } from './ranges.ts';
import { runWorkers } from './run-workers.ts';

export interface TransferOptions {
  readonly plan: DiskPlan;
  readonly nbd: OpenDisk;
  readonly writer: PointWriter;
  /** The point builds on a base: what this disk does not fill in would show the base's bytes. */
  readonly hasBase: boolean;
  readonly readBytes: number;
  /** Reads under way at once; with `readBytes` this bounds the memory. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export async function transferDisk(options: TransferOptions): Promise<void> {
  const { plan, nbd, writer, signal } = options;
  if (options.hasBase && !plan.isIncremental)
    for (const gap of complementOf(plan.ranges, plan.sizeBytes))
      await writer.writeZeros(plan.deviceId, gap.offset, gap.length);
  await runWorkers(piecesOf(plan.ranges, options.readBytes), options.parallel, async ({ offset, length }) => {
    signal.throwIfAborted();
    const data = await nbd.read(offset, length, signal);
    signal.throwIfAborted();
    await writer.write(plan.deviceId, offset, data);
    options.onBytes(length);
  });
}

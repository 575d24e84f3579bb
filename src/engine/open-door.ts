/** Opens the way to a server's disks that a job asks for, or the one that it may fall back to. */
import { checkTransport } from './check-eligibility.ts';
import type { DiskDoor, DoorOptions } from './disk-door.ts';
import type { NetworkTransport } from './engine-api.ts';
import { inStep, type JobContext, warn } from './job-context.ts';
import { JobFailed, Refusal } from './job-failed.ts';
import { findDiskDoor } from './nbd-endpoint.ts';
import { openHotAddDoor } from './open-hot-add-door.ts';
import { NoProxy } from './proxy-trouble.ts';

/** @throws JobFailed with a Refusal when no proxy serves and there is nothing to fall back to */
export async function openDoor(context: JobContext, options: DoorOptions): Promise<DiskDoor> {
  const { transport } = options;
  if (transport !== 'hotadd') return openOverNetwork(context, options, transport);
  try {
    return await openHotAddDoor(context, options);
  } catch (error) {
    if (!(error instanceof NoProxy)) throw error;
    return fallBack(context, options, error);
  }
}

function openOverNetwork(
  context: JobContext,
  options: DoorOptions,
  transport: NetworkTransport,
): Promise<DiskDoor> {
  return inStep(context, 'connect', () => findDiskDoor(context, { ...options, transport }));
}

async function fallBack(context: JobContext, options: DoorOptions, why: NoProxy): Promise<DiskDoor> {
  const { fallback } = context.settings;
  if (fallback === undefined)
    throw new JobFailed('proxy', new Refusal(why.message, why.hint, { cause: why.cause }));
  await inStep(context, 'connect', async () =>
    checkTransport(options.server, fallback, await context.scp.transportModes(options.server.id)),
  );
  warn(context, `${fallback} was used instead of hotadd: ${why.message}`);
  return openOverNetwork(context, options, fallback);
}

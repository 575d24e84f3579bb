/** Changed block tracking of a server: which disks have it, switched on where it is off, and off again. */
import type { CbtStatus, ServerItem } from '../sdk/scp-client-api.ts';
import { retryClassOfError, ScpError, TaskFailed } from '../sdk/scp-error.ts';
import { type JobContext, report, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import { noteTracked } from './tracking-note.ts';
import { retryWhileTaken } from './wait-while-taken.ts';

/**
 * Slots of the disks that are tracked once this resolves. It must come before the snapshot: a checkpoint is worth
 * nothing for a disk whose tracking starts after it.
 * @source SCP 6.11.3 guide, CBT; workflow of VM backups, prerequisites
 */
export async function enableCbt(context: JobContext, server: ServerItem): Promise<ReadonlySet<string>> {
  const before = await readCbt(context, server);
  if (before === undefined) return new Set();
  if (context.settings.leaveCbtAlone || before.areAllEnabled) return before.enabledDisks;
  await noteOwnTracking(context, server, before);
  try {
    await setCbt(context, server.id, 'enable');
  } catch (error) {
    if (!(error instanceof ScpError || error instanceof TaskFailed)) throw error;
    if (retryClassOfError(error) === 'after-reacquire') throw error;
    warn(context, `changed block tracking could not be switched on (${error.message}); full backups only`);
  }
  return (await context.scp.cbtStatus(server.id)).enabledDisks;
}

/** A platform that does not know the call can still be read as a whole. */
const UNKNOWN_CALL: ReadonlySet<number> = new Set([404, 405, 501]);

/** `undefined`, with a warning: this platform does not track. */
export async function readCbt(context: JobContext, server: ServerItem): Promise<CbtStatus | undefined> {
  try {
    return await context.scp.cbtStatus(server.id);
  } catch (error) {
    if (!(error instanceof ScpError) || !UNKNOWN_CALL.has(error.status)) throw error;
    warn(context, `the platform does not track changed blocks (${error.reason}); full backups only`);
    return undefined;
  }
}

function noteOwnTracking(context: JobContext, server: ServerItem, before: CbtStatus): Promise<void> {
  const { id: serverId, name: serverName } = server;
  const note = { serverId, serverName, disks: [...before.disabledDisks] };
  return noteTracked(context.env.repository, context.settings.tag, note);
}

/** Starts a new history. Every earlier checkpoint is void afterwards. */
export function resetCbt(context: JobContext, server: ServerItem): Promise<void> {
  return setCbt(context, server.id, 'reset');
}

export function disableCbt(context: JobContext, serverId: string, disks: readonly string[]): Promise<void> {
  return setCbt(context, serverId, 'disable', disks);
}

/** `disks`: all when left out. */
async function setCbt(
  context: JobContext,
  serverId: string,
  type: 'enable' | 'disable' | 'reset',
  disks?: readonly string[],
): Promise<void> {
  const { clock } = context.env;
  const patience = {
    clock,
    signal: context.signal,
    maxMs: context.settings.busyWaitMs,
    onWait: (reason: string) => report(context, { step: 'cbt', message: `waiting: ${reason}` }),
  };
  await retryWhileTaken(patience, async () => {
    const { taskId } = await context.scp.setCbt(serverId, type, disks);
    await context.scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
  });
}

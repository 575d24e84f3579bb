/** Hot-adds disks to a proxy VM, in one task, and finds them in its guest. */
import { sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import type { HotAddRequest } from '../sdk/scp-client-api.ts';
import { hasComeToNothing } from '../sdk/scp-error.ts';
import { attachedOf } from './detach-disks.ts';
import { locateDevice, waitForDevices, waitUntilUnseen } from './find-devices.ts';
import { type AttachOrder, idsOf, type SourceDisk } from './hot-add-order.ts';
import { type JobContext, report, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import type { GuestBlockDevice, ProxyAddress } from './proxy-agent.ts';
import { asTrouble, isProxyBusy, ProxyTrouble } from './proxy-trouble.ts';
import { releaseContextOf } from './release.ts';
import { detachNoted } from './release-hot-added.ts';
import { Setback } from './setback.ts';
import { retryWhile } from './wait-while-taken.ts';

export interface AttachedDisks {
  readonly disks: readonly SourceDisk[];
  /** Finds a disk in the guest as it is now. @throws ProxyTrouble, AgentLost */
  locate(deviceId: string): Promise<GuestBlockDevice>;
  /** Detaches all and gives the slots back. Never throws; what stays is in the run's note. */
  detach(): Promise<void>;
}

/** @throws ProxyTrouble when this proxy does not serve; nothing stays attached then, or a warning says what does */
export async function attachDisks(context: JobContext, order: AttachOrder): Promise<AttachedDisks> {
  const { proxy, disks, signal } = order;
  await waitUntilUnseen(context, order);
  const leaveSlots = await context.desk.slots.take(proxy.id, disks.length, signal, () =>
    report(context, { step: 'attach', message: `waiting: ${proxy.name} has no slots to spare` }),
  );
  const giveUpDisks = context.desk.holdDisks(proxy.id, disks.length);
  const detach = async (): Promise<void> => {
    await detachOrWarn(context, order);
    giveUpDisks();
    leaveSlots();
  };
  try {
    await context.note.addHotAdded(proxy, idsOf(disks));
    await addAndFindOut(context, order);
    await waitForDevices(context, order);
  } catch (error) {
    await detach();
    // The task may still be under way, and what it attaches comes later.
    if (error instanceof Unheard) await context.note.addHotAdded(proxy, idsOf(disks));
    signal.throwIfAborted();
    throw error;
  }
  return { disks, detach, locate: (deviceId) => locateDevice(order, deviceId) };
}

/** How long a task whose end has not been heard of may take to show its effect. */
const UNHEARD_MS = 30_000;
const UNHEARD_POLL_MS = 1000;

/** The disks were not there before, and nobody else can attach them under this lock: what comes is this job's. */
async function addAndFindOut(context: JobContext, order: AttachOrder): Promise<void> {
  const { proxy, disks, signal } = order;
  try {
    await addPatiently(context, order);
  } catch (error) {
    if (!(error instanceof Unheard)) throw error;
    const deadlineMs = context.env.clock.now() + UNHEARD_MS;
    while ((await attachedOf(context.scp, proxy.id, idsOf(disks))).length < disks.length) {
      if (context.env.clock.now() >= deadlineMs) throw error;
      await sleep(context.env.clock, UNHEARD_POLL_MS, signal);
    }
  }
}

/** What the task has done, or is about to do, is not known. */
class Unheard extends ProxyTrouble {}

/** Another engine's task on the same proxy is waited for; between two tries this engine's other tasks have their turn. */
async function addPatiently(context: JobContext, order: AttachOrder): Promise<void> {
  const { proxy, signal } = order;
  const patience = {
    clock: context.env.clock,
    signal,
    maxMs: context.settings.busyWaitMs,
    onWait: (reason: string) => report(context, { step: 'attach', message: `waiting: ${reason}` }),
  };
  try {
    await retryWhile(isProxyBusy, patience, () =>
      context.desk.inTurn(proxy.id, () => addOnce(context, order), signal),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw hasComeToNothing(error) ? asTrouble(proxy, error) : unheard(proxy, error);
  }
}

function unheard(proxy: ProxyAddress, cause: unknown): Unheard {
  const why = `whether disks were attached to proxy ${proxy.name} is not known: ${messageOf(cause)}`;
  return new Unheard(why, { cause });
}

async function addOnce(context: JobContext, { proxy, disks, serverId, snapshotId }: AttachOrder) {
  const requests = disks.map(
    ({ diskId }): HotAddRequest => ({
      diskId,
      sourceServerId: serverId,
      ...(snapshotId === undefined ? { purpose: 'restore' } : { purpose: 'backup', snapshotId }),
    }),
  );
  const { taskId } = await context.scp.hotAddDisks(proxy.id, requests);
  // Not given up with the job: what the task does is known only at its end.
  await context.scpAlways.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
}

/**
 * With the lock everything that was attached under it has gone, and what is there now may be somebody else's: that is
 * left to the settling of the note. Never throws: what stays is in the note, and the warning says so.
 */
async function detachOrWarn(context: JobContext, { proxy, disks, signal }: AttachOrder): Promise<void> {
  if (signal.reason instanceof Setback) return;
  const diskIds = idsOf(disks);
  try {
    await detachNoted(releaseContextOf(context), context.note, { proxy, diskIds });
  } catch (error) {
    warn(
      context,
      `disks ${diskIds.join(', ')} could not be detached from proxy ${proxy.name}: ${messageOf(error)}`,
    );
  }
}

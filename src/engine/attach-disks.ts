/** Hot-adds disks to a proxy VM, in one task, and finds them in its guest. */
import { API_ERRORS } from '../contract/errors.ts';
import { sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import type { HotAddRequest, ServerConfiguration } from '../sdk/scp-client-api.ts';
import { isHotAddConflict, refusalOfError, retryClassOfError } from '../sdk/scp-error.ts';
import type { AgentLink } from './agent-link.ts';
import { detachDisks } from './detach-disks.ts';
import { type JobContext, report, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import { type DeviceMatch, matchDevices } from './match-devices.ts';
import { AgentLost, type GuestBlockDevice, type ProxyAddress } from './proxy-agent.ts';
import { NoSlotLeft, ProxyTrouble, UnfitProxy } from './proxy-trouble.ts';
import { releaseContextOf } from './release.ts';
import { retryWhile } from './wait-while-taken.ts';

/** A disk of the server as HotAdd names it. */
export interface SourceDisk {
  readonly deviceId: string;
  readonly diskId: string;
  readonly datastoreId: string;
  readonly sizeBytes: number;
}

export interface AttachOrder {
  readonly proxy: ProxyAddress;
  readonly link: AgentLink;
  readonly disks: readonly SourceDisk[];
  readonly serverId: string;
  /** Absent: the disks themselves, to be written. */
  readonly snapshotId?: string | undefined;
  readonly signal: AbortSignal;
}

export interface AttachedDisks {
  readonly disks: readonly SourceDisk[];
  /** Finds a disk in the guest as it is now. @throws ProxyTrouble, AgentLost */
  locate(deviceId: string): Promise<GuestBlockDevice>;
  /** Detaches all and gives the slots back. Never throws; what stays is in the run's note. */
  detach(): Promise<void>;
}

/** @throws ProxyTrouble when this proxy does not serve; nothing stays attached then, or a warning says what does */
export async function attachDisks(context: JobContext, order: AttachOrder): Promise<AttachedDisks> {
  const { proxy, disks } = order;
  const leaveSlots = await context.desk.slots.take(proxy.id, disks.length, order.signal, () =>
    report(context, { step: 'attach', message: `waiting: ${proxy.name} has no slots to spare` }),
  );
  const settle = context.desk.holdDisks(proxy.id, disks.length);
  const detach = async (): Promise<void> => {
    await detachNoted(context, proxy, idsOf(disks));
    settle();
    leaveSlots();
  };
  try {
    await context.note.addHotAdded(proxy, idsOf(disks));
    await addPatiently(context, order);
    await waitForDevices(context, order);
  } catch (error) {
    await detach();
    order.signal.throwIfAborted();
    throw error;
  }
  return { disks, detach, locate: (deviceId) => locate(order, deviceId) };
}

const idsOf = (disks: readonly SourceDisk[]): readonly string[] => disks.map(({ diskId }) => diskId);

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
    await retryWhile(isWorthWaiting, patience, () =>
      context.desk.inTurn(proxy.id, () => addOnce(context, order), signal),
    );
  } catch (error) {
    signal.throwIfAborted();
    throw asTrouble(proxy, error);
  }
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

function isWorthWaiting(error: unknown): boolean {
  return isHotAddConflict(error) || refusalOfError(error) === 'NO_VMTOOLS';
}

/**
 * A lock that does not hold is no fault of the proxy; every other refusal may be. What was waited for in vain, or is
 * known to be for ever, is not asked for again.
 */
function asTrouble(proxy: ProxyAddress, error: unknown): unknown {
  if (retryClassOfError(error) === 'after-reacquire') return error;
  const what = `disks could not be attached to proxy ${proxy.name}: ${messageOf(error)}`;
  const refusal = refusalOfError(error);
  if (refusal === 'DISK_LIMIT') return new NoSlotLeft(what, { cause: error });
  const isHopeless =
    isWorthWaiting(error) || (refusal !== undefined && API_ERRORS[refusal].retry === 'never');
  return new (isHopeless ? UnfitProxy : ProxyTrouble)(what, { cause: error });
}

const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 2000;

/** The end of the task says little about the guest, whose kernel takes its time. */
async function waitForDevices(context: JobContext, order: AttachOrder): Promise<void> {
  const { clock } = context.env;
  const deadlineMs = clock.now() + context.settings.deviceWaitMs;
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 1.5, MAX_POLL_MS)) {
    const problems = await problemsNow(context, order);
    if (problems.length === 0) return;
    order.signal.throwIfAborted();
    if (clock.now() >= deadlineMs)
      throw new ProxyTrouble(
        `after ${context.settings.deviceWaitMs / 1000} s in proxy ${order.proxy.name}: ${problems.join('; ')}`,
      );
    await sleep(clock, Math.min(waitMs, deadlineMs - clock.now()), order.signal);
  }
}

async function problemsNow(context: JobContext, order: AttachOrder): Promise<readonly string[]> {
  try {
    return (await matchNow(context, order)).problems;
  } catch (error) {
    if (!(error instanceof AgentLost)) throw error;
    return [error.message];
  }
}

async function matchNow(context: JobContext, order: AttachOrder): Promise<DeviceMatch> {
  const { proxy, disks, link, signal } = order;
  const { disks: configured } = await configurationOf(context, proxy);
  const devices = await link.devices(signal);
  const wanted = idsOf(disks);
  const missing = wanted.filter((id) => configured.every(({ diskId }) => diskId !== id));
  if (missing.length > 0)
    return {
      found: new Map(),
      problems: missing.map((id) => `the proxy's configuration does not show disk ${id}`),
    };
  return matchDevices({
    wanted: disks,
    devices,
    otherDiskIds: configured.map(({ diskId }) => diskId).filter((id) => id !== '' && !wanted.includes(id)),
    mustBeWritable: order.snapshotId === undefined,
  });
}

async function configurationOf(context: JobContext, proxy: ProxyAddress): Promise<ServerConfiguration> {
  try {
    return await context.scp.serverConfiguration(proxy.id);
  } catch (error) {
    throw asTrouble(proxy, error);
  }
}

/** The guest alone is asked: what the proxy has was seen when the disks were attached. */
async function locate(order: AttachOrder, deviceId: string): Promise<GuestBlockDevice> {
  const wanted = order.disks.filter((known) => known.deviceId === deviceId);
  const { found, problems } = matchDevices({
    wanted,
    devices: await order.link.devices(order.signal),
    otherDiskIds: idsOf(order.disks).filter((id) => id !== wanted[0]?.diskId),
    mustBeWritable: order.snapshotId === undefined,
  });
  const device = found.get(wanted[0]?.diskId ?? '');
  if (device === undefined) throw new ProxyTrouble(`in proxy ${order.proxy.name}: ${problems.join('; ')}`);
  return device;
}

/** Never throws: what stays is in the note, and the warning says so. */
async function detachNoted(
  context: JobContext,
  proxy: ProxyAddress,
  diskIds: readonly string[],
): Promise<void> {
  try {
    await detachDisks(releaseContextOf(context), proxy.id, diskIds);
    await context.note.dropHotAdded(proxy.id, diskIds);
  } catch (error) {
    warn(
      context,
      `disks ${diskIds.join(', ')} could not be detached from proxy ${proxy.name}: ${messageOf(error)}`,
    );
  }
}

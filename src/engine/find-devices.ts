/** Hot-added disks in the guest of a proxy VM: before they are there, until they are there, and while they are. */
import { sleep } from '../kernel/clock.ts';
import { attachedOf } from './detach-disks.ts';
import { type AttachOrder, idsOf } from './hot-add-order.ts';
import { type JobContext, report } from './job-context.ts';
import { fits, matchDevices } from './match-devices.ts';
import { AgentLost, type GuestBlockDevice } from './proxy-agent.ts';
import { asTrouble, ProxyTrouble } from './proxy-trouble.ts';

const FIRST_POLL_MS = 250;
const MAX_POLL_MS = 2000;

/**
 * Resolves when neither the proxy nor its guest shows any of the disks. A device that is still there from an earlier
 * clone would be taken for the new one, and a disk that is attached already is not this job's.
 * @throws ProxyTrouble
 */
export function waitUntilUnseen(context: JobContext, order: AttachOrder): Promise<void> {
  return pollUntilNone(context, order, async () => {
    const ids = idsOf(order.disks);
    const attached = await attachedOf(context.scp, order.proxy.id, ids);
    const devices = await order.link.devices(order.signal);
    const stale = devices.filter(({ serial }) => ids.some((id) => fits(serial, id)));
    return [
      ...attached.map((id) => `disk ${id} is attached already`),
      ...stale.map(({ name, serial }) => `${name} with serial ${serial} is still there from before`),
    ];
  });
}

/**
 * Resolves when every disk has its device. The end of the task says little about the guest, whose kernel takes its
 * time.
 * @throws ProxyTrouble
 */
export function waitForDevices(context: JobContext, order: AttachOrder): Promise<void> {
  return pollUntilNone(context, order, async () => {
    const wanted = idsOf(order.disks);
    const { disks } = await context.scp.serverConfiguration(order.proxy.id);
    const shown = disks.map(({ diskId }) => diskId).filter((id) => id !== '');
    const missing = wanted.filter((id) => !shown.includes(id));
    if (missing.length > 0) return missing.map((id) => `the proxy's configuration does not show disk ${id}`);
    const { problems } = matchDevices({
      wanted: order.disks,
      devices: await order.link.devices(order.signal),
      otherDiskIds: shown.filter((id) => !wanted.includes(id)),
      mustBeWritable: order.snapshotId === undefined,
    });
    return problems;
  });
}

/**
 * The device of one disk as it is now. The guest alone is asked: what the proxy has was seen when the disks were
 * attached.
 * @throws ProxyTrouble, AgentLost
 */
export async function locateDevice(order: AttachOrder, deviceId: string): Promise<GuestBlockDevice> {
  const wanted = order.disks.filter((disk) => disk.deviceId === deviceId);
  const { found, problems } = matchDevices({
    wanted,
    devices: await order.link.devices(order.signal),
    otherDiskIds: idsOf(order.disks.filter((disk) => disk.deviceId !== deviceId)),
    mustBeWritable: order.snapshotId === undefined,
  });
  const [device] = found.values();
  if (device === undefined) throw new ProxyTrouble(`in proxy ${order.proxy.name}: ${problems.join('; ')}`);
  return device;
}

async function pollUntilNone(
  context: JobContext,
  { proxy, signal }: AttachOrder,
  problemsNow: () => Promise<readonly string[]>,
): Promise<void> {
  const { clock } = context.env;
  const { deviceWaitMs } = context.settings;
  const deadlineMs = clock.now() + deviceWaitMs;
  for (let waitMs = FIRST_POLL_MS; ; waitMs = Math.min(waitMs * 1.5, MAX_POLL_MS)) {
    const problems = await problemsNow().catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof AgentLost) return [error.message];
      throw asTrouble(proxy, error);
    });
    if (problems.length === 0) return;
    const what = `proxy ${proxy.name}: ${problems.join('; ')}`;
    if (clock.now() >= deadlineMs) throw new ProxyTrouble(`after ${deviceWaitMs / 1000} s in ${what}`);
    if (waitMs === FIRST_POLL_MS) report(context, { step: 'attach', message: `waiting in ${what}` });
    await sleep(clock, Math.min(waitMs, deadlineMs - clock.now()), signal);
  }
}

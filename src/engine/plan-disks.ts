/** Of each disk of a snapshot: what is to be read, and why not less. */
import { type Session, withDisk } from './attempt-session.ts';
import { type Base, sinceCheckpointOf, whyMapIsVoid, whyNotAncestor } from './choose-base.ts';
import { type DiskPlan, planDisk } from './disk-plan.ts';
import { type JobContext, warn } from './job-context.ts';
import { Setback } from './setback.ts';

/** `reasons`: why disks are read as a whole although there is a base; empty when none is. */
export async function planDisks(
  context: JobContext,
  session: Session,
): Promise<{ plans: readonly DiskPlan[]; reasons: string }> {
  const { order, snapshot } = session;
  const history = order.base === undefined ? '' : whyNotAncestor(order.base, snapshot.checkpointId);
  const base = history === '' ? order.base : undefined;
  const plans: DiskPlan[] = [];
  const reasons = new Set(history === '' ? [] : [history]);
  for (const deviceId of snapshot.deviceIds) {
    const { plan, because } = await planOne(context, session, deviceId, base);
    plans.push(plan);
    if (because !== '') reasons.add(`${deviceId}: ${because}`);
    for (const step of plan.stepsDown) warn(context, `${deviceId} is read by ${plan.method}: ${step}`);
  }
  const isMixed = plans.some((plan) => plan.isIncremental) && reasons.size > 0;
  if (isMixed) for (const reason of reasons) warn(context, `read as a whole: ${reason}`);
  return { plans, reasons: [...reasons].join('; ') };
}

/** The exact size of a disk is what its export says; the configuration rounds. */
async function planOne(
  context: JobContext,
  session: Session,
  deviceId: string,
  base: Base | undefined,
): Promise<{ plan: DiskPlan; because: string }> {
  const { order, snapshot, signal } = session;
  const isTracked = order.trackedDisks.has(deviceId);
  return withDisk(session, deviceId, context.settings.connections, async (nbd) => {
    const disk = { deviceId, sizeBytes: nbd.info.sizeBytes, isTracked };
    const isVoid = base === undefined ? '' : whyMapIsVoid(base, disk);
    if (isVoid !== '') throw new Setback('disk-resized', isVoid);
    const since = base && sinceCheckpointOf(base, disk);
    const plan = await planDisk({
      scp: context.scp.with({ signal }),
      serverId: order.server.id,
      snapshot,
      deviceId,
      isTracked,
      sinceCheckpoint: since?.since,
      mayReset: order.mayReset,
      nbd,
      signal,
    });
    await session.cloneCheck?.check(nbd, plan);
    const refused = since !== undefined && since.since === undefined ? since.because : '';
    return { plan, because: plan.isIncremental ? '' : refused || (plan.stepsDown[0] ?? '') };
  });
}

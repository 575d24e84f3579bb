/**
 * What a differential restore has to write: the areas in which a server differs from a restore point of its own.
 *
 * A snapshot of the server as it is now ends the interval that the point's checkpoint began; what changed in between is
 * all that can differ. Where that cannot be told, a disk is written whole, and the reason is kept.
 * @source SCP 6.11.3 guide, recovery to the original VM (differential)
 */
import type { PointReader } from '../repository/repository-api.ts';
import { ProtocolError } from '../sdk/protocol-error.ts';
import type { ServerItem, SnapshotDetail } from '../sdk/scp-client-api.ts';
import { ScpError, TaskFailed } from '../sdk/scp-error.ts';
import { whyNotLater } from './choose-base.ts';
import { type JobContext, warn } from './job-context.ts';
import { type PointNotes, readPointNotes } from './point-notes.ts';
import type { ByteRange } from './ranges.ts';
import { readAreas } from './read-areas.ts';
import { snapshotName, takeSnapshot } from './take-snapshot.ts';

export interface DifferentialPlan {
  /** Areas to write, by slot; a disk that is not among them is written whole. */
  readonly areas: ReadonlyMap<string, readonly ByteRange[]>;
  /** Why no disk is restored differentially; empty otherwise. */
  readonly wholeBecause: string;
}

/** A snapshot that this takes is in the run's note; `keep` is told its name before. */
export async function planDifferential(
  context: JobContext,
  target: { reader: PointReader; server: ServerItem },
  keep: (snapshotName: string) => void,
): Promise<DifferentialPlan> {
  const { info } = target.reader;
  const notes = readPointNotes(info.engine);
  if (info.serverId !== target.server.id)
    return whole(`the restore point is of another server (${info.serverName})`);
  if (notes === undefined || notes.checkpointId === 0 || notes.trackedDisks.length === 0)
    return whole('changes were not tracked when the restore point was made');
  try {
    const name = snapshotName(context, 1);
    await context.note.addSnapshot(name);
    keep(name);
    const snapshot = await takeSnapshot(context, target.server, name);
    return await compare(context, target, notes, snapshot);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return whole(error.message);
  }
}

async function compare(
  context: JobContext,
  { reader, server }: { reader: PointReader; server: ServerItem },
  notes: PointNotes,
  snapshot: SnapshotDetail,
): Promise<DifferentialPlan> {
  const history = whyNotLater(notes.checkpointId, snapshot.checkpointId);
  if (history !== '') return whole(history);
  const { enabledDisks } = await context.scp.cbtStatus(server.id);
  const areas = new Map<string, readonly ByteRange[]>();
  const reasons: string[] = [];
  for (const { deviceId, sizeBytes } of reader.info.disks) {
    try {
      if (!notes.trackedDisks.includes(deviceId) || !enabledDisks.has(deviceId))
        reasons.push(`${deviceId}: its changes are not tracked`);
      else areas.set(deviceId, await changedSince(context, { server, snapshot, deviceId, sizeBytes, notes }));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      reasons.push(`${deviceId}: ${error.message}`);
    }
  }
  if (areas.size === 0) return whole(reasons.join('; '));
  for (const reason of reasons) warn(context, `restored as a whole: ${reason}`);
  return { areas, wholeBecause: '' };
}

function changedSince(
  context: JobContext,
  query: {
    server: ServerItem;
    snapshot: SnapshotDetail;
    deviceId: string;
    sizeBytes: number;
    notes: PointNotes;
  },
): Promise<readonly ByteRange[]> {
  const { server, snapshot, deviceId, sizeBytes, notes } = query;
  const { checkpointId } = notes;
  return readAreas(
    context.scp,
    { serverId: server.id, deviceId, snapshotId: snapshot.id, checkpointId },
    sizeBytes,
  );
}

/** What the platform declines, or answers against its contract, is no reason not to restore. */
function isRefusal(error: unknown): error is Error {
  return error instanceof ScpError || error instanceof TaskFailed || error instanceof ProtocolError;
}

function whole(wholeBecause: string): DifferentialPlan {
  return { areas: new Map(), wholeBecause };
}

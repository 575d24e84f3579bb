/** What the steps of one attempt at a backup work with. */
import type { ServerItem, SnapshotDetail } from '../sdk/scp-client-api.ts';
import type { HeldLock } from './acquire-lock.ts';
import type { Base } from './choose-base.ts';
import type { CloneCheck } from './clone-check.ts';
import type { DiskDoor } from './disk-door.ts';
import type { BackupJob } from './engine-api.ts';
import type { JobContext } from './job-context.ts';
import type { OpenDisk } from './proxy-agent.ts';

export interface AttemptOrder {
  readonly job: BackupJob;
  readonly server: ServerItem;
  readonly trackedDisks: ReadonlySet<string>;
  readonly base: Base | undefined;
  readonly mayReset: boolean;
  /** From 1. */
  readonly attempt: number;
}

/** What the steps of an attempt share once the server is locked. */
export interface Session {
  readonly order: AttemptOrder;
  readonly snapshot: SnapshotDetail;
  readonly lock: HeldLock;
  readonly door: DiskDoor;
  /** Over HotAdd only: elsewhere nobody can write to what is read. */
  readonly cloneCheck: CloneCheck | undefined;
  /** Aborted with the job or with the loss of the lock. */
  readonly signal: AbortSignal;
  reconnects: number;
}

/** Keeps every connection's pipeline full without holding more than about 16 pieces each. */
export function parallelReads(context: JobContext): number {
  return context.settings.connections * 8;
}

export function withDisk<T>(
  session: Session,
  deviceId: string,
  connections: number,
  work: (nbd: OpenDisk) => Promise<T>,
): Promise<T> {
  return session.door.use(deviceId, connections, (nbd) => {
    const before = nbd.reconnects;
    return work(nbd).finally(() => {
      session.reconnects += nbd.reconnects - before;
    });
  });
}

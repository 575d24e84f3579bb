/** How a job reaches the disks of a locked server, whatever the transport. */
import type { ServerItem } from '../sdk/scp-client-api.ts';
import type { HeldLock } from './acquire-lock.ts';
import type { Transport } from './engine-api.ts';
import type { OpenDisk } from './proxy-agent.ts';

/** Disposed of before the lock is released: whatever it has attached is detached then. Disposal never throws. */
export interface DiskDoor extends AsyncDisposable {
  readonly transport: Transport;
  /** Name of the proxy VM. */
  readonly proxy?: string;
  /**
   * Opens a disk and works with it. Waits while there is no room for it, and a little for a service that does not
   * listen yet. One disk at a time; it may stay open until another one is used, something fails, or the disposal.
   */
  use<T>(deviceId: string, connections: number, work: (disk: OpenDisk) => Promise<T>): Promise<T>;
}

export interface DoorOptions {
  readonly server: ServerItem;
  readonly lock: HeldLock;
  readonly transport: Transport;
  /** Slots of the disks that will be used. */
  readonly deviceIds: readonly string[];
  /** What is read: a snapshot. Absent: the disks themselves are written. */
  readonly snapshotId?: string;
  /** There will be no other: what has failed before is not tried again where there is something to fall back to. */
  readonly isLastAttempt?: boolean;
  /** Aborted with the job or with the loss of the lock; ends opening and waiting. */
  readonly signal: AbortSignal;
}

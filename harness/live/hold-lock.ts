/** A lock that lives by its renewals alone. */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { ScpClient, ServerItem } from '../../src/sdk/scp-client-api.ts';
import type { Finding } from '../runner/outcome.ts';
import type { Shown } from './live-result.ts';

const TASK_MS = 600_000;
const HELD = { lockTimeSeconds: 60, forMs: 180_000, everyMs: 30_000 } as const;

export interface Holding {
  readonly changing: ScpClient;
  readonly tag: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export async function holdLock(
  { changing, tag, clock, signal }: Holding,
  server: ServerItem,
): Promise<Shown> {
  const findings: Omit<Finding, 'evidence'>[] = [];
  const name = `${tag}-hold-1`;
  const taken = await changing.createSnapshot(server.id, {
    name,
    description: `${tag} holds a lock`,
  });
  await changing.waitForTask(taken.taskId, { timeoutMs: TASK_MS });
  const snapshotId =
    taken.snapshotId ?? (await changing.snapshots(server.id)).find((one) => one.name === name)?.id;
  const { lockTimeSeconds } = HELD;
  try {
    // As any backup does: the configuration at that instant, before the server is locked.
    if (snapshotId !== undefined) await changing.snapshot(server.id, snapshotId);
    const made = await changing.createBackupResource({
      serverId: server.id,
      type: 'backup',
      lockTimeSeconds,
    });
    try {
      await changing.waitForTask(made.taskId, { timeoutMs: TASK_MS });
      const endMs = clock.now() + HELD.forMs;
      while (clock.now() < endMs && findings.length === 0) {
        await sleep(clock, HELD.everyMs, signal);
        await changing.renewBackupResource(made.resourceId, lockTimeSeconds);
        const { status } = await changing.backupResource(made.resourceId);
        if (status !== 'running')
          findings.push({ where: 'the lock', expected: 'running after its renewal', actual: status });
      }
    } finally {
      await ended(changing, changing.deleteBackupResource(made.resourceId));
    }
  } finally {
    if (snapshotId !== undefined) await ended(changing, changing.deleteSnapshot(server.id, snapshotId));
  }
  return { findings, comparedBytes: 0 };
}

/** Waits for the task that was begun, where there is one. */
export async function ended(
  client: ScpClient,
  begun: Promise<{ readonly taskId: string | undefined }>,
): Promise<void> {
  const { taskId } = await begun;
  if (taskId !== undefined) await client.waitForTask(taskId, { timeoutMs: TASK_MS });
}

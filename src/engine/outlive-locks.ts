/**
 * Waits for the end of locks that could not be taken back.
 *
 * A snapshot must not go before the backup resource that serves it. A resource whose deletion does not come through,
 * and one of which no answer ever told the id, is nobody's to delete: the platform ends both when their lock time is
 * over, because nobody renews them any more. There is no call that lists resources, so the time is all there is to go
 * by for the second kind.
 * @source SCP OpenAPI 6.11.1, backup-resources (no list); workflow of VM backups, steps 5 and 6
 * @fidelity documented
 */
import { sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import { isResourceGone, type ReleaseContext } from './release.ts';
import type { RunNote } from './run-note.ts';

/** What a creation takes, with its repeats, until the lock time begins to run. */
const CREATION_MS = 60_000;
const POLL_MS = 5000;

/** Until when a lock may hold that was asked for up to now and of which nothing has been heard. */
export function unheardUntilMs(nowMs: number, lockTimeSeconds: number): number {
  return nowMs + lockTimeSeconds * 1000 + CREATION_MS;
}

/**
 * Resolves when no backup resource that the note tells of can hold the server; those seen to be gone are struck out.
 * @throws Error when one may hold for longer than it is worth waiting
 */
export async function outliveLocks(context: ReleaseContext, note: RunNote): Promise<void> {
  const { clock, busyWaitMs } = context;
  const deadlineMs = clock.now() + busyWaitMs + CREATION_MS;
  for (;;) {
    const held = await whatHolds(context, note);
    if (held === undefined) return;
    if (clock.now() >= deadlineMs) throw new Error(held);
    await sleep(clock, POLL_MS);
  }
}

/** Why the server may still be held; `undefined` when it cannot be. */
async function whatHolds(context: ReleaseContext, note: RunNote): Promise<string | undefined> {
  const { clock, scp } = context;
  for (const id of note.record.resourceIds) {
    try {
      if (!(await isResourceGone(scp, id))) return `backup resource ${id} still holds the server`;
    } catch (error) {
      return `whether backup resource ${id} still holds the server cannot be told: ${messageOf(error)}`;
    }
    note.dropResource(id);
  }
  if (note.record.unheardLockUntilMs <= clock.now()) return undefined;
  return 'a backup resource of which no answer came may still hold the server';
}

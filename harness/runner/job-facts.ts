/** How a job ended, and what of it the journal is told. */
import type { BackupResult, RestoreJob, RestoreResult } from '../../src/engine/engine-api.ts';
import type { Story } from './story.ts';
import type { JobFacts, ToldJob } from './told-job.ts';

export type Settled<T> =
  | { readonly isDone: true; readonly value: T }
  | { readonly isDone: false; readonly error: unknown };

export function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value) => ({ isDone: true, value }),
    (error: unknown) => ({ isDone: false, error }),
  );
}

export function tellEnd<T>(told: ToldJob, settled: Settled<T>, facts?: (value: T) => JobFacts): void {
  if (settled.isDone) told.succeeds(facts?.(settled.value));
  else told.fails(settled.error);
}

export function backupFacts({ pointId, kind }: BackupResult): JobFacts {
  return { point: pointId, mode: kind };
}

export function restoreFacts({ server }: RestoreResult): JobFacts {
  return { server: server.id };
}

/** A new server has no id yet. */
export function restoreWords(story: Story, { pointId, to, transport }: RestoreJob): JobFacts {
  const server = story.world.servers.list().find(({ id, name }) => name === to || id === to);
  return { transport, point: pointId, ...(server === undefined ? {} : { server: server.id }) };
}

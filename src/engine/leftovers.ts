/**
 * Removes what dead runs of this engine left on the platform.
 *
 * Mine is what a note in this repository names: a snapshot that merely carries the tag may belong to an engine with
 * another repository. A run whose note says that it is alive is left alone, be it in this process or in another; its
 * note stops saying so soon after its process died.
 */
import { sleep } from '../kernel/clock.ts';
import { ALIVE_MS } from './heartbeat.ts';
import type { JobContext } from './job-context.ts';
import { report, warn } from './job-context.ts';
import { removeNewServer } from './new-server.ts';
import { Refusal } from './job-failed.ts';
import { releaseContextOf } from './release.ts';
import { type ReleasedItem, releaseNoted } from './release-noted.ts';
import { readRunNotes, type RunNote } from './run-note.ts';

/** Before a backup: only what concerns its server. */
export async function removeLeftoversOf(context: JobContext, serverId: string): Promise<void> {
  for (const note of await deadNotes(context, (record) => record.serverId === serverId)) {
    const { removed, problems } = await releaseNoted(releaseContextOf(context), note);
    for (const item of removed)
      warn(context, `removed a left-over ${item.kind} of an earlier run: ${item.id}`);
    for (const problem of problems) warn(context, problem);
    await note.close();
  }
}

/**
 * Before a restore makes a server: what a dead run noted under the same name is settled first. Else there may be two of
 * that name in the end.
 * @throws Refusal when one is still on its way
 */
export async function removeLeftoverServers(context: JobContext, name: string): Promise<void> {
  const isMeant = ({ newServer }: RunNote['record']): boolean => newServer?.name === name;
  const removed = await removeNoted(context, isMeant);
  for (const item of removed) warn(context, `removed a left-over ${item.kind} of an earlier run: ${item.id}`);
  const left = await readRunNotes(context.env.repository, context.settings.tag);
  const mine = context.note.record.runId;
  if (left.some(({ record }) => record.runId !== mine && isMeant(record)))
    throw new Refusal(
      `a server named ${name} of an earlier restore is still there or on its way`,
      'try again later, or choose another name for the new server',
    );
}

/** All leftovers of this repository and tag. */
export function removeAllLeftovers(context: JobContext): Promise<readonly ReleasedItem[]> {
  return removeNoted(context, () => true);
}

async function removeNoted(
  context: JobContext,
  concerns: (record: RunNote['record']) => boolean,
): Promise<readonly ReleasedItem[]> {
  const all: ReleasedItem[] = [];
  for (const note of await deadNotes(context, concerns)) {
    const { removed, problems } = await releaseNoted(releaseContextOf(context), note);
    const servers = problems.length === 0 ? await removeNewServer(context, note) : [];
    all.push(...removed, ...servers);
    for (const problem of problems) warn(context, problem);
    await note.close();
  }
  return all;
}

/** Notes of runs that are dead; waits a little for one that died a moment ago and still seems alive. */
async function deadNotes(
  context: JobContext,
  concerns: (record: RunNote['record']) => boolean,
): Promise<readonly RunNote[]> {
  const { clock, repository } = context.env;
  const mine = context.note.record.runId;
  const read = async () =>
    (await readRunNotes(repository, context.settings.tag)).filter(
      ({ record }) => record.runId !== mine && concerns(record),
    );
  const seen = await read();
  const aliveUntilMs = Math.max(0, ...seen.map((note) => note.record.aliveUntilMs));
  const waitMs = Math.min(aliveUntilMs - clock.now(), ALIVE_MS);
  if (waitMs <= 0) return seen;
  report(context, { step: 'leftovers', message: 'waiting: an earlier run may still be alive' });
  await sleep(clock, waitMs, context.signal);
  const now = clock.now();
  // A run that is alive has said so again by now; one that has not may have noted it by a clock that was set back since.
  const noted = new Map(seen.map(({ record }) => [record.runId, record.aliveUntilMs]));
  const [alive, dead] = partition(
    await read(),
    ({ record }) => record.aliveUntilMs > now && record.aliveUntilMs !== noted.get(record.runId),
  );
  for (const { record } of alive)
    warn(context, `run ${record.runId} on ${record.serverName} is still at work; it is left alone`);
  return dead;
}

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [readonly T[], readonly T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

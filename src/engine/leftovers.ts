/**
 * Removes what dead runs of this engine left on the platform.
 *
 * Mine is what a note in this repository names: a snapshot that merely carries the tag may belong to an engine with
 * another repository. A run whose note says that it is alive is left alone, be it in this process or in another; its
 * note stops saying so soon after its process died.
 */
import { sleep } from '../kernel/clock.ts';
import { isNotFound, TaskFailed, TaskTimeout } from '../sdk/scp-error.ts';
import { ALIVE_MS } from './heartbeat.ts';
import type { JobContext } from './job-context.ts';
import { report, warn } from './job-context.ts';
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
 * Before a restore makes a server: what a dead run noted under the same name is settled first. A note that knows only
 * a name would else take the new server for its own at the next clean-up.
 */
export async function removeLeftoverServers(context: JobContext, name: string): Promise<void> {
  const removed = await removeNoted(context, ({ newServer }) => newServer?.name === name);
  for (const item of removed) warn(context, `removed a left-over ${item.kind} of an earlier run: ${item.id}`);
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
  const [alive, dead] = partition(await read(), (note) => note.record.aliveUntilMs > now);
  for (const { record } of alive)
    warn(context, `run ${record.runId} on ${record.serverName} is still at work; it is left alone`);
  return dead;
}

/** A server that a restore created and did not complete holds half an image; nobody else can use it. */
async function removeNewServer(context: JobContext, note: RunNote): Promise<readonly ReleasedItem[]> {
  const { newServer } = note.record;
  if (newServer === undefined) return [];
  if (!(await hasComeToRest(context, newServer))) {
    warn(
      context,
      `server ${newServer.name} of an incomplete restore is still being created; it is removed later`,
    );
    return [];
  }
  const id = newServer.id ?? (await context.scpAlways.serversNamed(newServer.name))[0]?.id;
  const server = id === undefined ? undefined : await context.scpAlways.serverById(id);
  if (server !== undefined && server.status !== 'stopped') {
    warn(context, `server ${server.name} of an incomplete restore is ${server.status}; it is left alone`);
    return [];
  }
  if (server !== undefined) {
    const { taskId } = await context.scpAlways.deleteServer(server.id);
    if (taskId !== undefined) await context.scpAlways.waitForTask(taskId, { timeoutMs: 600_000 });
  }
  const { newServer: _done, ...rest } = note.record;
  await note.replace(rest);
  return server === undefined ? [] : [{ kind: 'server', id: server.id }];
}

/** A creation that seemed to hang may go on long after its run has given up. */
async function hasComeToRest(
  { scpAlways }: JobContext,
  { taskId }: NonNullable<RunNote['record']['newServer']>,
): Promise<boolean> {
  if (taskId === undefined) return true;
  try {
    await scpAlways.waitForTask(taskId, { timeoutMs: CREATION_MS });
    return true;
  } catch (error) {
    if (error instanceof TaskTimeout) return false;
    // Failed, or forgotten by the platform: whether the server is there is seen by looking.
    if (error instanceof TaskFailed || isNotFound(error)) return true;
    throw error;
  }
}

const CREATION_MS = 60_000;

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [readonly T[], readonly T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/**
 * The server that a restore makes: how it is known again, and how it is removed when the restore came to nothing.
 *
 * A name says little, since anybody may give a server the same one; the id is learned only if the answer comes. So the
 * server bears the mark of its run in its description. It may also come late: a creation goes on when nobody waits
 * for it any more, and the list may be behind. A note that names it therefore stays until it has come or cannot come.
 */
import { sleep } from '../kernel/clock.ts';
import type { ServerItem } from '../sdk/scp-client-api.ts';
import { isNotFound } from '../sdk/scp-error.ts';
import { type JobContext, warn } from './job-context.ts';
import type { ReleasedItem } from './release-noted.ts';
import type { RunNote, RunRecord } from './run-note.ts';

export type NewServer = NonNullable<RunRecord['newServer']>;

/** Longest description of a server that is sure to be taken. @source SCP OpenAPI 6.11.1, clone @fidelity assumed */
const MAX_TEXT = 100;
const MARK = / ?\[restored by \w+, run [0-9a-f]+\]/g;

/** The backed-up description with the mark of the run; marks of earlier restores make room. */
export function markedDescription(description: string, tag: string, runId: string): string {
  const mark = markOf(tag, runId);
  const own = description.replace(MARK, '').slice(0, MAX_TEXT - mark.length - 1);
  return own === '' ? mark : `${own} ${mark}`;
}

const markOf = (tag: string, runId: string): string => `[restored by ${tag}, run ${runId}]`;

/** How long a server may take to be listed after its creation was asked for, or has ended. @fidelity observed */
export const LISTED_MS = 300_000;

export async function findNewServer(
  { scp, settings }: Pick<JobContext, 'scp' | 'settings'>,
  { runId }: RunRecord,
  { id, name }: NewServer,
): Promise<ServerItem | undefined> {
  if (id !== undefined) return scp.serverById(id);
  const mark = markOf(settings.tag, runId);
  return (await scp.serversNamed(name)).find(({ description }) => description.includes(mark));
}

/** Waits a little for one that is on its way. Returns what it removed; the note is struck out when nothing can come. */
export async function removeNewServer(context: JobContext, note: RunNote): Promise<readonly ReleasedItem[]> {
  const { newServer } = note.record;
  if (newServer === undefined) return [];
  const server = await awaitNewServer(context, note.record, newServer);
  if (server === 'on its way') {
    warn(
      context,
      `server ${newServer.name} of an incomplete restore is still being created; it is left alone`,
    );
    return [];
  }
  if (server !== undefined && server.status !== 'stopped') {
    warn(context, `server ${server.name} of an incomplete restore is ${server.status}; it is left alone`);
    return [];
  }
  if (server !== undefined) await deleteServer(context, server);
  await forgetNewServer(note);
  return server === undefined ? [] : [{ kind: 'server', id: server.id }];
}

/** It is whole, or was never made: from now on the run has nothing to do with it. */
export async function forgetNewServer(note: RunNote): Promise<void> {
  const { newServer: _forgotten, ...rest } = note.record;
  await note.replace(rest);
}

const POLL_MS = 5000;

async function awaitNewServer(
  context: JobContext,
  record: RunRecord,
  newServer: NewServer,
): Promise<ServerItem | 'on its way' | undefined> {
  const { clock } = context.env;
  const deadlineMs = clock.now() + LISTED_MS;
  for (;;) {
    const server = await findNewServer({ ...context, scp: context.scpAlways }, record, newServer);
    if (server !== undefined) return server;
    if (!(await mayStillCome(context, newServer))) return undefined;
    if (clock.now() >= deadlineMs) return 'on its way';
    await sleep(clock, POLL_MS, context.signal);
  }
}

async function mayStillCome({ scpAlways, env }: JobContext, newServer: NewServer): Promise<boolean> {
  const status = await statusOfTask(scpAlways, newServer.taskId);
  if (status === 'failure' || status === 'canceled') return false;
  if (status !== undefined && status !== 'finish') return true;
  return env.clock.now() < (newServer.awaitedUntilMs ?? 0);
}

/** `undefined`: none is known, or the platform has forgotten it. */
async function statusOfTask(
  scp: JobContext['scpAlways'],
  taskId: string | undefined,
): Promise<string | undefined> {
  if (taskId === undefined) return undefined;
  try {
    return (await scp.task(taskId)).status;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function deleteServer({ scpAlways }: JobContext, { id }: ServerItem): Promise<void> {
  const { taskId } = await scpAlways.deleteServer(id);
  if (taskId !== undefined) await scpAlways.waitForTask(taskId, { timeoutMs: 600_000 });
}

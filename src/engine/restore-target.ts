/** The server that a restore writes to: a new one, or an existing one that is off. */
import type { Json } from '../kernel/journal.ts';
import type { PointReader } from '../repository/repository-api.ts';
import type { Datastore, ScpClient, ServerItem } from '../sdk/scp-client-api.ts';
import { hasComeToNothing, TaskTimeout } from '../sdk/scp-error.ts';
import type { RestoreJob } from './engine-api.ts';
import { findServer } from './find-server.ts';
import { ALIVE_MS } from './heartbeat.ts';
import { type JobContext, pause, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import { removeLeftoverServers, removeLeftoversOf } from './leftovers.ts';
import {
  findNewServer,
  forgetNewServer,
  LISTED_MS,
  markedDescription,
  type NewServer,
} from './new-server.ts';
import { readPointNotes } from './point-notes.ts';
import { totalBytes } from './ranges.ts';
import { buildServerConfig } from './restore-config.ts';

/** An existing server: off, and with a disk of the right slot for each disk of the point. */
export async function prepareExisting(context: JobContext, job: RestoreJob): Promise<ServerItem> {
  const server = await findServer(context.scp, job.to);
  if (server.status !== 'stopped')
    throw new Refusal(`${server.name} is ${server.status}, not off`, 'shut it down, then restore again');
  await removeLeftoversOf(context, server.id);
  await noteTarget(context, server);
  return server;
}

/** A new server of the backed-up configuration, powered off. It is noted before the platform hears of it. */
export async function prepareNew(
  context: JobContext,
  job: RestoreJob,
  reader: PointReader,
): Promise<ServerItem> {
  const notes = readPointNotes(reader.info.engine);
  if (notes === undefined)
    throw new Refusal(
      `restore point ${job.pointId} holds no configuration`,
      'restore over an existing server that has the same disks, with --to VM',
    );
  await removeLeftoverServers(context, wantedName(job, reader.info.serverName));
  const name = await chooseName(context, job, reader.info.serverName);
  const datastore = await chooseDatastore(context, reader, notes.poolId, textOf(notes.vmconf.datastore_id));
  const isCopy = (await context.scp.serverById(reader.info.serverId)) !== undefined;
  const { vmconf } = notes;
  const description = markedDescription(textOf(vmconf.description), context.settings.tag, runIdOf(context));
  const config = buildServerConfig({ vmconf, name, description, datastore, point: reader.info, isCopy });
  if (isCopy)
    warn(
      context,
      `${reader.info.serverName} still exists, so the network adapters of ${name} are not connected`,
    );
  const server = await createServer(context, name, config);
  await context.note.update({ serverId: server.id, newServer: { name, id: server.id } });
  return server;
}

const runIdOf = ({ note }: JobContext): string => note.record.runId;

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

async function noteTarget(context: JobContext, server: ServerItem): Promise<void> {
  const aliveUntilMs = context.env.clock.now() + ALIVE_MS;
  await context.note.update({ serverId: server.id, serverName: server.name, aliveUntilMs });
}

const wantedName = (job: RestoreJob, backedUp: string): string => job.newName ?? `${backedUp}-restored`;

/** A name that no server has, so that after a lost reply the name alone tells which server is ours. */
async function chooseName(context: JobContext, job: RestoreJob, backedUp: string): Promise<string> {
  const wanted = wantedName(job, backedUp);
  for (let count = 1; ; count++) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if ((await context.scp.serversNamed(name)).length === 0) return name;
    if (job.newName !== undefined)
      throw new Refusal(`a server named ${name} exists already`, 'choose another name for the new server');
  }
}

const HEALTHY: ReadonlySet<string> = new Set(['normal', 'ok', 'alarm', '']);

/** The datastore of old where it still serves, else the one of the same pool with the most room. */
async function chooseDatastore(
  context: JobContext,
  reader: PointReader,
  poolId: string,
  datastoreId: string,
): Promise<Datastore> {
  const dataBytes = reader.info.disks.reduce(
    (sum, disk) => sum + totalBytes(reader.dataRanges(disk.deviceId)),
    0,
  );
  const isFit = (store: Datastore): boolean =>
    HEALTHY.has(store.status) && store.hostIds.length > 0 && store.freeMb * 1024 * 1024 >= dataBytes;
  const fit = (await context.scp.datastores()).filter((store) => isFit(store) && store.poolId === poolId);
  const [roomiest] = [...fit].sort((a, b) => b.freeMb - a.freeMb);
  const old = fit.find((store) => store.id === datastoreId);
  if (roomiest === undefined)
    throw new Refusal(
      'no datastore of the resource pool is healthy, mounted and has room for the image',
      'free space on a datastore of the pool, or restore over an existing server',
    );
  if (old === undefined) warn(context, `datastore ${datastoreId} cannot be used; ${roomiest.name} is taken`);
  return old ?? roomiest;
}

/** The note names it, and until when it may come, before the platform hears of it. */
async function createServer(context: JobContext, name: string, config: ServerConfig): Promise<ServerItem> {
  const { clock } = context.env;
  const awaitedUntilMs = clock.now() + LISTED_MS;
  const aliveUntilMs = clock.now() + ALIVE_MS;
  await context.note.update({ serverName: name, newServer: { name, awaitedUntilMs }, aliveUntilMs });
  try {
    const { taskId, serverId } = await context.scp.createServerFromConfig(config);
    await noteAsWell(context, serverId, { name, id: serverId, taskId, awaitedUntilMs });
    await context.scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
  } catch (error) {
    if (hasComeToNothing(error)) await forgetNewServer(context.note);
    if (hasComeToNothing(error) || error instanceof TaskTimeout) throw error;
    // No answer, or none that reads: it may have been created all the same.
  }
  return waitUntilListed(context, name);
}

type ServerConfig = Parameters<ScpClient['createServerFromConfig']>[0];

/** Name and mark are noted already, so a note that cannot be written is no reason to fail. */
async function noteAsWell(context: JobContext, serverId: string, newServer: NewServer): Promise<void> {
  await context.note.update({ serverId, newServer }).catch(() => {});
}

const LISTED_POLL_MS = 2000;

/** A new server may take a while to be listed and to come to rest after its task has ended. @fidelity observed */
async function waitUntilListed(context: JobContext, name: string): Promise<ServerItem> {
  const { record } = context.note;
  for (let round = 0; round < LISTED_MS / LISTED_POLL_MS; round++) {
    const server = await findNewServer(context, record, record.newServer ?? { name });
    if (server?.status === 'stopped') return server;
    await pause(context, LISTED_POLL_MS);
  }
  throw new Error(`server ${name} was created but is not listed as stopped`);
}

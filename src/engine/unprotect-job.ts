/**
 * The end of a server's protection: tracking goes off again where the engine had switched it on.
 * @source workflow of VM backups, last note: tracking that is no longer needed costs I/O
 */
import type { CbtStatus, ServerItem } from '../sdk/scp-client-api.ts';
import { disableCbt, readCbt } from './enable-cbt.ts';
import type { UnprotectJob, UnprotectResult } from './engine-api.ts';
import { onlyServer, serversCalled } from './find-server.ts';
import { inStep, type JobContext, warn } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import { removeLeftoversOf } from './leftovers.ts';
import { forgetTracked, readTracked, trackedServers } from './tracking-note.ts';

export async function runUnprotect(context: JobContext, job: UnprotectJob): Promise<UnprotectResult> {
  const { repository } = context.env;
  const found = await inStep(context, 'login', () => serversCalled(context.scp, job.server));
  if (found.length === 0) return inStep(context, 'cbt', () => letGo(context, job.server));
  const server = await inStep(context, 'login', async () => onlyServer(found, job.server));
  await inStep(context, 'leftovers', () => removeLeftoversOf(context, server.id));
  const end = await inStep(context, 'cbt', () => switchOff(context, server, job.force === true));
  await forgetTracked(repository, context.settings.tag, server.id);
  return { server: { id: server.id, name: server.name }, ...end, warnings: context.warnings };
}

type End = Pick<UnprotectResult, 'outcome' | 'disks'>;

async function switchOff(context: JobContext, server: ServerItem, isForced: boolean): Promise<End> {
  const status = await readCbt(context, server);
  const on = [...(status?.enabledDisks ?? [])];
  if (on.length === 0) return { outcome: 'already-off', disks: [] };
  const own = await readTracked(context.env.repository, context.settings.tag, server.id);
  const disks = isForced ? on : on.filter((deviceId) => own.includes(deviceId));
  const left = on.filter((deviceId) => !disks.includes(deviceId));
  if (left.length > 0)
    warn(context, `tracking of ${left.join(', ')} was on before the first backup, and is left on`);
  if (disks.length === 0) return { outcome: 'left-as-found', disks: [] };
  await disableCbt(context, server.id, disks);
  checkOff(server, disks, await readCbt(context, server));
  return { outcome: 'switched-off', disks };
}

function checkOff(server: ServerItem, disks: readonly string[], status: CbtStatus | undefined): void {
  const still = disks.filter((deviceId) => status?.enabledDisks.has(deviceId));
  if (still.length > 0)
    throw new Refusal(
      `the platform says that tracking of ${server.name} was switched off, and ${still.join(', ')} has it on`,
      'a backup of the server may be at work; try again later',
    );
}

/** A server that does not exist any more needs nothing; one that nobody has ever backed up is a slip of the pen. */
async function letGo(context: JobContext, nameOrId: string): Promise<UnprotectResult> {
  const { repository } = context.env;
  const { tag } = context.settings;
  const [points, noted] = [await repository.points(), await trackedServers(repository, tag)];
  const known = [...noted, ...points].filter(
    ({ serverId, serverName }) => serverId === nameOrId || serverName === nameOrId,
  );
  const [last] = known;
  if (last === undefined)
    throw new Refusal(
      `there is no server ${nameOrId}, and none of that name was ever backed up to this repository`,
      'check the name, and that the account may see the server',
    );
  for (const id of new Set(known.map(({ serverId }) => serverId))) await forgetTracked(repository, tag, id);
  const server = { id: last.serverId, name: last.serverName };
  return { server, outcome: 'server-gone', disks: [], warnings: context.warnings };
}

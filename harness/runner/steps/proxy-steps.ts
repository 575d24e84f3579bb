/** What another user of the platform does with proxy VMs. */
import { PROXY_OS_NAME } from '../../../src/contract/assumed.ts';
import type { ServerDisk, Server } from '../../../simulator/domain/world-api.ts';
import type { StepBodies } from '../scenario-schema.ts';
import type { Story } from '../story.ts';
import { endOfTask, expectPermission, OPERATOR } from './operator-steps.ts';

export async function stepHotAdd(story: Story, body: StepBodies['hotAdd']): Promise<void> {
  const proxy = proxyNamed(story, body.proxy);
  const { server, disk } = strangersDisk(story, body);
  const request = { diskId: disk.uuid, purpose: body.for ?? 'normal', sourceServerId: server.id };
  await expectPermission(`hot-add of ${disk.deviceId} to ${proxy.name}`, body.expect, async () => {
    const { taskId } = story.world.hotAdd.add(proxy.id, [request], OPERATOR);
    const added = endOfTask(story, taskId).then(() => story.operator.made.add(`${proxy.id}/${disk.uuid}`));
    if (body.wait === false) added.catch(() => undefined);
    else await added;
  });
}

/** Of whatever disk, also of one that the engine has added. */
export async function stepHotRemove(story: Story, body: StepBodies['hotRemove']): Promise<void> {
  const proxy = proxyNamed(story, body.proxy);
  const { disk } = strangersDisk(story, body);
  await expectPermission(`hot-removal of ${disk.deviceId} from ${proxy.name}`, body.expect, async () => {
    const { taskId } = story.world.hotAdd.remove(proxy.id, [disk.uuid], OPERATOR);
    story.operator.removed.add(`${proxy.id}/${disk.uuid}`);
    if (body.wait !== false) await endOfTask(story, taskId);
  });
}

/** Makes a VM a proxy, or no longer one. */
export async function stepMark(story: Story, body: StepBodies['mark']): Promise<void> {
  const { id } = story.server(body.server);
  const osName = body.as === 'proxy' ? PROXY_OS_NAME : '';
  await endOfTask(story, story.world.servers.edit(id, { osName }, OPERATOR).taskId);
}

function proxyNamed(story: Story, name: string | undefined): Server {
  return story.server(name ?? story.scenario.world.proxies?.[0]?.name ?? '');
}

function strangersDisk(
  story: Story,
  { server: name, disk: slot }: { server?: string; disk?: string },
): { server: Server; disk: ServerDisk } {
  const server = story.server(name);
  const disk = server.disks.find(({ deviceId }) => slot === undefined || deviceId === slot);
  if (disk === undefined) throw new Error(`server ${server.name} has no disk ${slot ?? ''}`);
  return { server, disk };
}

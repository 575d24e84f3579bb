/** What a person or another product does to the platform, straight in the world, under the name `operator`. */
import { sleep } from '../../../src/kernel/clock.ts';
import { ApiError } from '../../../src/contract/errors.ts';
import { NothingToActOn, StoryFailed } from '../outcome.ts';
import { parseDuration } from '../quantities.ts';
import type { StepBodies } from '../scenario-schema.ts';
import { snapshotInstant } from '../snapshot-instant.ts';
import type { Story } from '../story.ts';

export const OPERATOR = 'operator';
const POLL_MS = 250;

export async function stepSnapshot(story: Story, body: StepBodies['snapshot']): Promise<void> {
  const server = story.server(body.server);
  const options = { name: body.name, description: 'made by the operator' };
  const { taskId, snapshotId } = story.world.snapshots.create(server.id, options, OPERATOR);
  story.operator.made.add(snapshotId);
  story.snapshotNames.set(body.name, snapshotId);
  if (body.wait !== false) await endOfTask(story, taskId);
}

export async function stepDeleteSnapshot(story: Story, body: StepBodies['deleteSnapshot']): Promise<void> {
  const snapshotId = snapshotNamed(story, body.name);
  story.operator.removed.add(snapshotId);
  const { taskId } = story.world.snapshots.delete(story.server(body.server).id, [snapshotId], OPERATOR);
  await endOfTask(story, taskId);
}

/** Puts the disks back to a snapshot; the server is stopped for it and stays so. */
export async function stepRevert(story: Story, body: StepBodies['revert']): Promise<void> {
  const snapshotId = snapshotNamed(story, body.to);
  const instant = snapshotInstant(story.world.journal.entries, snapshotId) ?? 0;
  await stepStop(story, body);
  const server = story.server(body.server);
  const options = { backup: false, powerOn: false };
  const { taskId } = story.world.snapshots.recover(server.id, snapshotId, options, OPERATOR);
  await endOfTask(story, taskId);
  for (const device of story.log.devices(server.name)) {
    const image = story.log.imageAt(server.name, device, instant)?.bytes;
    story.log.replace(server.name, device, image, `the revert to ${body.to}`, story.position);
  }
}

export async function stepCbt(story: Story, body: StepBodies['cbt']): Promise<void> {
  const server = story.server(body.server);
  const { taskId } = story.world.cbt.set(server.id, body.set, body.disks, OPERATOR);
  await endOfTask(story, taskId);
}

export async function stepStart(story: Story, body: StepBodies['start']): Promise<void> {
  const server = story.server(body.server);
  story.operator.powered.add(server.id);
  const refusal = await refusalOf(async () => {
    await endOfTask(story, story.world.servers.start(server.id, OPERATOR).taskId);
  });
  const isRefused = refusal !== undefined;
  if (isRefused === (body.expect === 'refused')) return;
  const actual = isRefused ? `refused: ${refusal}` : 'started';
  throw new StoryFailed(`power-on of ${server.name} is ${body.expect ?? 'started'}`, actual);
}

export async function stepStop(story: Story, body: StepBodies['stop']): Promise<void> {
  const server = story.server(body.server);
  story.operator.powered.add(server.id);
  if (server.status === 'stopped') return;
  // A proxy that is powered off loses what was added to it, whoever added it.
  for (const { id } of story.world.hotAdd.list(server.id)) story.operator.removed.add(`${server.id}/${id}`);
  await endOfTask(story, story.world.servers.stop(server.id, { force: true }, OPERATOR).taskId);
}

export async function stepDeleteServer(story: Story, body: StepBodies['deleteServer']): Promise<void> {
  const server = story.server(body.server);
  await expectPermission(`removal of ${server.name}`, body.expect, async () => {
    await endOfTask(story, story.world.servers.delete(server.id, OPERATOR).taskId);
    story.operator.removed.add(server.id);
  });
}

export async function stepOccupy(story: Story, body: StepBodies['occupy']): Promise<void> {
  const known = new Set(story.world.backupResources.list().map(({ id }) => id));
  story.world.backupResources.occupy(story.server(body.server).id, parseDuration(body.for) / 1000);
  for (const { id } of story.world.backupResources.list()) if (!known.has(id)) story.operator.made.add(id);
}

export async function stepPreempt(story: Story, body: StepBodies['preempt']): Promise<void> {
  story.world.backupResources.preempt(story.server(body.server).id);
}

export async function stepExpireResource(story: Story, body: StepBodies['expireResource']): Promise<void> {
  const server = story.server(body.server);
  const running = story.world.backupResources
    .list()
    .filter((resource) => resource.serverId === server.id && resource.status === 'running');
  if (running.length === 0)
    story.doubts.push(`no backup resource of ${server.name} was running to be expired`);
  for (const { id } of running) story.world.backupResources.expireNow(id);
}

export async function stepExpireTokens(story: Story): Promise<void> {
  story.world.tokens.expireAll();
}

/** Both a call that is refused and a task that fails are refusals. */
export async function expectPermission(
  what: string,
  expected: 'done' | 'refused' | undefined,
  work: () => Promise<void>,
): Promise<void> {
  const refusal = await refusalOf(work);
  const isRefused = refusal !== undefined;
  if (isRefused === (expected === 'refused')) return;
  throw new StoryFailed(`${what} is ${expected ?? 'done'}`, isRefused ? `refused: ${refusal}` : 'done');
}

async function refusalOf(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof ApiError || error instanceof TaskRefused) return error.message;
    throw error;
  }
}

export class TaskRefused extends Error {
  override readonly name = 'TaskRefused';
}

export async function endOfTask(story: Story, taskId: string): Promise<void> {
  for (;;) {
    const { status, description, action } = story.world.tasks.get(taskId);
    if (status === 'finish') return;
    if (status === 'failure' || status === 'canceled')
      throw new TaskRefused(`task ${action}: ${description}`);
    await sleep(story.clock, POLL_MS);
  }
}

function snapshotNamed(story: Story, name: string): string {
  const id = story.snapshotNames.get(name);
  if (id === undefined) throw new NothingToActOn(`no step has made a snapshot called ${name}`);
  return id;
}

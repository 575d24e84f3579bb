/** Steps that wait, and steps that look. */
import type { Server } from '../../../simulator/domain/world-api.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import type { DrivenEngine } from '../driven/driven-engine.ts';
import { checkBounds } from '../expectations.ts';
import { StoryFailed } from '../outcome.ts';
import { parseDuration } from '../quantities.ts';
import type { StepBodies } from '../scenario-schema.ts';
import type { Story } from '../story.ts';
import { armTrigger } from '../triggers.ts';

export async function stepAdvance(story: Story, duration: StepBodies['advance']): Promise<void> {
  await sleep(story.clock, parseDuration(duration));
}

export async function stepWaitFor(story: Story, trigger: StepBodies['waitFor']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const disarm = armTrigger(story, trigger, resolve, { loses: false, engine: 'first' });
  if (story.driven === undefined) return promise;
  const wait = { isOver: false };
  await Promise.race([promise, nothingElse(story, story.driven, wait)]);
  wait.isOver = true;
  disarm();
}

/** Resolves when steps only wait, and nobody is at work who could bring about what they wait for. */
async function nothingElse(
  story: Story,
  { timeScale }: DrivenEngine,
  wait: { readonly isOver: boolean },
): Promise<void> {
  for (let idle = 0; idle < IDLE_LOOKS; ) {
    await sleep(story.clock, LOOK_MS * timeScale);
    if (wait.isOver) return;
    idle = [...story.under].every((step) => step.endsWith(' waitFor')) ? idle + 1 : 0;
  }
  story.doubts.push('what a step waits for never came');
}

/** Of the wall. */
const LOOK_MS = 100;
const IDLE_LOOKS = 5;

export async function stepCheck(story: Story, body: StepBodies['check']): Promise<void> {
  if (body.points !== undefined) {
    expectCount('points', body.points, (await story.installation(body.engine).repository().points()).length);
  }
  const server = story.server(body.server);
  if (body.status !== undefined && server.status !== body.status) {
    throw new StoryFailed(`server ${server.name} is ${body.status}`, server.status);
  }
  if (body.snapshots !== undefined) {
    expectCount(`snapshots of ${server.name}`, body.snapshots, story.world.snapshots.list(server.id).length);
  }
  if (body.resources !== undefined) {
    const held = story.world.backupResources
      .list()
      .filter((r) => r.serverId === server.id && (r.status === 'running' || r.status === 'pending'));
    expectCount(`running backup resources of ${server.name}`, body.resources, held.length);
  }
  if (body.hotAdded !== undefined) {
    const { length } = story.world.hotAdd.list(server.id);
    expectCount(`disks hot-added to ${server.name}`, body.hotAdded, length);
  }
  if (body.tracked !== undefined) expectTracked(story, server, body.tracked);
}

function expectTracked(story: Story, { id, name }: Server, slots: readonly string[]): void {
  const { disks } = story.world.cbt.status(id);
  const on = disks.filter(({ isEnabled }) => isEnabled).map(({ deviceId }) => deviceId);
  const [expected, actual] = [[...slots], on].map((list) => list.sort().join(', ') || 'none');
  if (expected !== actual)
    throw new StoryFailed(`disks of ${name} that are tracked: ${expected}`, `${actual}`);
}

function expectCount(what: string, exactly: number, actual: number): void {
  const [mismatch] = checkBounds(what, { exactly }, actual);
  if (mismatch !== undefined) throw new StoryFailed(mismatch.expected, mismatch.actual);
}

/**
 * What must follow when an attack is over: within a day of the world's time clean-up, the restores that failed and a
 * backup of every server succeed, all that exists is right, and nothing is left behind. Faults of the past excuse
 * nothing any more; a job may be tried again, because so would any schedule.
 */
import { sleep } from '../../src/kernel/clock.ts';
import { judgeLeaks } from './end-of-story.ts';
import { holdsPoint } from './judge-bytes.ts';
import { StoryFailed } from './outcome.ts';
import type { StepBodies } from './scenario-schema.ts';
import { stepWrite } from './steps/guest-steps.ts';
import { stepStop } from './steps/operator-steps.ts';
import { mayBeRefused } from './steps/refusable-step.ts';
import type { Story } from './story.ts';
import type { Survival } from './survival.ts';
import { acceptServer, surviveBackup, surviveCleanup, surviveRestore } from './survival-jobs.ts';

const LONGEST_MS = 86_400_000;
const FIRST_PAUSE_MS = 60_000;
const WRITTEN_BYTES = 4096;

/** @throws StoryFailed at what does not come right again */
export async function recover(story: Story, survival: Survival): Promise<void> {
  await survival.end(story);
  const untilMs = story.clock.now() + LONGEST_MS;
  const engines = survival.engines.size === 0 ? ['first' as const] : [...survival.engines];
  for (const engine of engines)
    await must(story, untilMs, 'cleanup', () => surviveCleanup(story, { engine }));
  await acceptRestored(story);
  for (const restore of survival.owed.splice(0)) await repeatRestore(story, untilMs, restore);
  for (const { name } of story.scenario.world.servers) {
    if (!isThere(story, name)) continue;
    await writeSomething(story, name);
    for (const engine of engines)
      await must(story, untilMs, `backup of ${name}`, () => surviveBackup(story, { server: name, engine }));
  }
  await untilNothingLeaks(story, untilMs, engines);
}

/** Until it succeeds, with pauses that grow. */
async function must(story: Story, untilMs: number, what: string, work: () => Promise<string>): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
    const why = await work();
    if (why === '') return;
    if (story.clock.now() + pauseMs > untilMs)
      throw new StoryFailed(`${what} succeeds within a day after the attack`, why);
    await sleep(story.clock, pauseMs);
  }
}

async function repeatRestore(story: Story, untilMs: number, restore: StepBodies['restore']): Promise<void> {
  await must(story, untilMs, 'the restore', async () => {
    await stopTarget(story, restore);
    const why = await surviveRestore(story, restore);
    story.survival?.owed.splice(0);
    return why;
  });
}

/** The attack may have kept the operator from stopping it in time. */
async function stopTarget(story: Story, { to = 'new' }: StepBodies['restore']): Promise<void> {
  if (to !== 'new' && isThere(story, to)) await askToStop(story, { server: to });
}

const askToStop = mayBeRefused(stepStop);

/** A restore that was killed just after its end has a whole server to show for it. */
async function acceptRestored(story: Story): Promise<void> {
  const known = new Set([...story.before.servers.map(({ id }) => id), ...story.operator.made]);
  for (const server of story.world.servers.list()) {
    if (known.has(server.id)) continue;
    for (const record of story.points.values()) {
      if (!(await holdsPoint(story, server.id, record))) continue;
      await acceptServer(story, server.id, record);
      settleDebt(story, server.name);
      break;
    }
  }
}

/** The restore that was to make this server has made it. */
function settleDebt(story: Story, name: string): void {
  const owed = story.survival?.owed ?? [];
  const at = owed.findIndex(({ to = 'new', newName }) => to === 'new' && (newName ?? name) === name);
  if (at >= 0) owed.splice(at, 1);
}

/** So that a base that had moved too far or too early shows in the next point. */
async function writeSomething(story: Story, name: string): Promise<void> {
  const server = story.server(name);
  for (const { deviceId, sizeBytes } of server.disks) {
    const length = Math.min(WRITTEN_BYTES, sizeBytes);
    const at = story.rng.fork(`end-${name}-${deviceId}`).int(0, Math.floor((sizeBytes - length) / 512)) * 512;
    await stepWrite(story, { server: name, disk: deviceId, at, length });
  }
}

function isThere(story: Story, name: string): boolean {
  return story.world.servers.list().some((server) => server.name === name);
}

async function untilNothingLeaks(
  story: Story,
  untilMs: number,
  engines: readonly ('first' | 'second')[],
): Promise<void> {
  // What is on its way without waiting for time (a closing connection) arrives first.
  await sleep(story.clock, 1);
  for (let pauseMs = FIRST_PAUSE_MS; judgeLeaks(story).length > 0; pauseMs *= 2) {
    if (story.clock.now() + pauseMs > untilMs) return;
    await sleep(story.clock, pauseMs);
    for (const engine of engines) await surviveCleanup(story, { engine });
  }
}

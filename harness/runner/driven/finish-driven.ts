/** The end of a story of somebody else's engine: what could not be judged while faults were planned is judged now. */
import { DrivenInstallation } from './driven-installation.ts';
import { StoryFailed } from '../outcome.ts';
import { stepClearFaults } from '../steps/fault-steps.ts';
import { judgeAllPoints } from '../steps/job-steps.ts';
import { StepFailed } from '../steps/step-table.ts';
import type { Story } from '../story.ts';
import { settle, tellEnd } from '../job-facts.ts';
import { tellJob } from '../told-job.ts';
import { describeChain } from '../error-chain.ts';

/** @throws StepFailed */
export async function finishDriven(story: Story): Promise<void> {
  const installation = story.installation();
  if (!(installation instanceof DrivenInstallation)) return;
  await stepClearFaults(story, 'all');
  await clean(story);
  installation.openPoints();
  try {
    await judgeAllPoints(story);
  } catch (error) {
    if (error instanceof StoryFailed) throw new StepFailed({ where: 'byte oracle', ...error.finding });
    throw error;
  }
}

/** Left-overs of a killed job go with the next clean-up; a story of the reference engine may have none after the kill. */
async function clean(story: Story): Promise<void> {
  const jobs = story.world.journal.entries.filter((entry) => entry.type === 'job');
  const lastKill = jobs.findLast(({ phase }) => phase === 'killed');
  const lastCleanup = jobs.findLast(
    ({ operation, phase }) => operation === 'cleanup' && phase === 'succeeds',
  );
  if (lastKill === undefined || (lastCleanup?.n ?? 0) > lastKill.n) return;
  const told = tellJob(story, 'first', 'cleanup');
  const settled = await settle(story.installation().process().engine.cleanup());
  tellEnd(told, settled);
  if (settled.isDone) return;
  const finding =
    settled.error instanceof StoryFailed
      ? settled.error.finding
      : { expected: 'cleanup succeeds', actual: describeChain(settled.error), evidence: [] };
  throw new StepFailed({ where: 'clean-up after the kill', ...finding });
}

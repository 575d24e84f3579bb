/**
 * Steps of a story that is under attack, where they are played in another way: jobs may fail, expectations are not
 * judged, and what an operator asks for may be refused, because an attack can leave a server locked for a while.
 */
import { sleep } from '../../../src/kernel/clock.ts';
import type { StepBodies, StepKind } from '../scenario-schema.ts';
import type { Story } from '../story.ts';
import {
  surviveBackup,
  surviveCleanup,
  surviveKill,
  surviveRestore,
  surviveUnprotect,
} from '../survival-jobs.ts';
import {
  stepCbt,
  stepDeleteServer,
  stepDeleteSnapshot,
  stepRevert,
  stepSnapshot,
  stepStart,
  stepStop,
} from './operator-steps.ts';
import { stepHotAdd, stepHotRemove, stepMark } from './proxy-steps.ts';
import { stepFault } from './fault-steps.ts';
import { LONGEST_WAIT_MS, mayBeRefused } from './refusable-step.ts';
import { stepWaitFor } from './time-steps.ts';

type Play<Kind extends StepKind> = (story: Story, body: StepBodies[Kind]) => Promise<void>;

export const PLAYS_UNDER_ATTACK: { readonly [Kind in StepKind]?: Play<Kind> } = {
  // The story may have come to an end before the faults of its own.
  fault: (story, body) => stepFault(story, { ...body, mayMiss: true }),
  backup: ignoringResult(surviveBackup),
  restore: ignoringResult(surviveRestore),
  cleanup: ignoringResult(surviveCleanup),
  unprotect: ignoringResult(surviveUnprotect),
  kill: surviveKill,
  check: notJudged,
  verify: notJudged,
  compare: notJudged,
  waitFor: (story, body) => Promise.race([stepWaitFor(story, body), sleep(story.clock, LONGEST_WAIT_MS)]),
  snapshot: mayBeRefused(stepSnapshot),
  deleteSnapshot: mayBeRefused(stepDeleteSnapshot),
  revert: mayBeRefused(stepRevert),
  cbt: mayBeRefused(stepCbt),
  start: mayBeRefused(stepStart),
  stop: mayBeRefused(stepStop),
  deleteServer: mayBeRefused(stepDeleteServer),
  hotAdd: mayBeRefused(stepHotAdd),
  hotRemove: mayBeRefused(stepHotRemove),
  mark: mayBeRefused(stepMark),
};

function ignoringResult<Body>(survive: (story: Story, body: Body) => Promise<string>) {
  return async (story: Story, body: Body): Promise<void> => {
    await survive(story, body);
  };
}

async function notJudged(): Promise<void> {}

/** Which function plays which step. */
import { type Finding, StoryFailed } from '../outcome.ts';
import type { StepBodies, StepKind, StepNode } from '../scenario-schema.ts';
import type { Story } from '../story.ts';
import { stepClearFaults, stepFault, stepStorageFault } from './fault-steps.ts';
import { stepTrim, stepWorkload, stepWrite, stepZero } from './guest-steps.ts';
import { stepUnprotect } from './unprotect-step.ts';
import { stepBackup, stepCleanup, stepCompare, stepKill, stepRestore, stepVerify } from './job-steps.ts';
import {
  stepCbt,
  stepDeleteServer,
  stepDeleteSnapshot,
  stepExpireResource,
  stepExpireTokens,
  stepOccupy,
  stepPreempt,
  stepRevert,
  stepSnapshot,
  stepStart,
  stepStop,
} from './operator-steps.ts';
import { stepHotAdd, stepHotRemove, stepMark } from './proxy-steps.ts';
import { PLAYS_UNDER_ATTACK } from './steps-under-attack.ts';
import { stepAdvance, stepCheck, stepWaitFor } from './time-steps.ts';

type PlainKind = Exclude<StepKind, 'together'>;
type Play<Kind extends StepKind> = (story: Story, body: StepBodies[Kind]) => Promise<void>;

const PLAYS: { readonly [Kind in PlainKind]: Play<Kind> } = {
  write: stepWrite,
  zero: stepZero,
  trim: stepTrim,
  workload: stepWorkload,
  snapshot: stepSnapshot,
  deleteSnapshot: stepDeleteSnapshot,
  revert: stepRevert,
  cbt: stepCbt,
  start: stepStart,
  stop: stepStop,
  deleteServer: stepDeleteServer,
  hotAdd: stepHotAdd,
  hotRemove: stepHotRemove,
  mark: stepMark,
  occupy: stepOccupy,
  preempt: stepPreempt,
  expireResource: stepExpireResource,
  expireTokens: stepExpireTokens,
  advance: stepAdvance,
  waitFor: stepWaitFor,
  fault: stepFault,
  clearFaults: stepClearFaults,
  storageFault: stepStorageFault,
  backup: stepBackup,
  restore: stepRestore,
  cleanup: stepCleanup,
  unprotect: stepUnprotect,
  verify: stepVerify,
  compare: stepCompare,
  kill: stepKill,
  check: stepCheck,
};

/** Plays steps one after the other. @throws StepFailed at the first that is not as expected */
export async function playSteps(story: Story, steps: readonly StepNode[], path: string): Promise<void> {
  for (const [at, step] of steps.entries()) await playStep(story, step, `${path}.${at}`);
}

async function playStep(story: Story, step: StepNode, path: string): Promise<void> {
  const kind = Object.keys(step)[0] as StepKind;
  const where = `${path} ${kind}`;
  if (kind === 'together') return playTogether(story, step.together ?? [], where);
  story.under.add(where);
  try {
    await play(story, kind, step);
  } catch (error) {
    if (error instanceof StoryFailed) throw new StepFailed({ where, ...error.finding });
    throw error;
  } finally {
    story.under.delete(where);
  }
}

function play<Kind extends PlainKind>(story: Story, kind: Kind, step: StepNode): Promise<void> {
  const usual: Play<Kind> = PLAYS[kind];
  const chosen = story.survival === undefined ? usual : (PLAYS_UNDER_ATTACK[kind] ?? usual);
  return chosen(story, step[kind] as StepBodies[Kind]);
}

/** The first failure ends the story; what runs beside it then is cut off with the engine. */
async function playTogether(
  story: Story,
  lists: readonly (readonly StepNode[])[],
  where: string,
): Promise<void> {
  story.seams.together?.('begins');
  await Promise.all(lists.map((steps, at) => playSteps(story, steps, `${where}.${at}`)));
  story.seams.together?.('ends');
}

/** A finding with its place in the scenario. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  readonly finding: Finding;

  constructor(finding: Finding) {
    super(`${finding.where}: expected ${finding.expected}; got ${finding.actual}`);
    this.finding = finding;
  }
}

/** Why a scenario can't be played with somebody else's engine, as far as the file tells. */
import type { Transport } from '../../../src/engine/engine-api.ts';
import type { Capability } from '../../driver/capabilities.ts';
import { parseDuration } from '../quantities.ts';
import type { EngineNode, Scenario, StepNode, TriggerNode } from '../scenario-schema.ts';
import type { DrivenEngine } from './driven-engine.ts';

export type DrivenFacts = Pick<DrivenEngine, 'capabilities' | 'timeScale' | 'isStanding'> & {
  readonly canKill: boolean;
};

/** `undefined` when it can be played. */
export function whyNotDriven(
  scenario: Scenario,
  transport: Transport,
  facts: DrivenFacts,
): string | undefined {
  const { capabilities } = facts;
  if (!capabilities.has(transport)) return `the engine does not declare ${transport}`;
  if (scenario.attack !== undefined) return 'a story under attack looks into the engine';
  if (scenario.secondEngine !== undefined) return 'a story of two engines';
  const settings = settingReason(scenario.engine ?? {}, capabilities);
  if (settings !== undefined) return settings;
  if (!capabilities.has('restore-new'))
    return 'points are proven by restores to new servers, which are not declared';
  const steps = [...(scenario.prepare ?? []), ...scenario.steps];
  for (const step of flatSteps(steps)) {
    const reason = stepReason(step, facts);
    if (reason !== undefined) return reason;
  }
  if (servesSeveral(steps) && !capabilities.has('several-servers'))
    return 'the engine does not declare several-servers';
  return tooLong(steps, facts);
}

/** The engine chooses these for itself; the story has the same end either way. */
const OWN_CHOICES: ReadonlySet<keyof EngineNode> = new Set([
  'login',
  'lockTime',
  'renewEvery',
  'connections',
  'readBytes',
  'requestTimeout',
  'busyWait',
  'deviceWait',
]);

function settingReason(settings: EngineNode, capabilities: ReadonlySet<Capability>): string | undefined {
  if (settings.login === 'password' && !capabilities.has('password-login'))
    return 'the engine does not declare password-login';
  const names = Object.keys(settings) as (keyof EngineNode)[];
  const foreign = names.find((name) => !OWN_CHOICES.has(name));
  return foreign === undefined ? undefined : `${foreign} is a setting of the reference engine`;
}

function stepReason(step: StepNode, { capabilities, canKill }: DrivenFacts): string | undefined {
  const lacks = (...needed: Capability[]): string | undefined => {
    const missing = needed.find((name) => !capabilities.has(name));
    return missing === undefined ? undefined : `the engine does not declare ${missing}`;
  };
  if (step.storageFault !== undefined) return "a fault of the repository's storage";
  if (step.verify?.problems?.exactly !== undefined && step.verify.problems.exactly > 0)
    return 'looks into the repository';
  const jobs = [step.backup, step.restore, step.cleanup, step.unprotect, step.kill, step.verify, step.check];
  if (jobs.some((job) => job?.engine === 'second')) return 'a story of two engines';
  const restore = step.restore ?? step.kill?.during.restore;
  const backup = step.backup ?? step.kill?.during.backup;
  if (restore?.differential === true) return 'the driver protocol asks for no differential restore';
  if (backup?.transport !== undefined) return lacks(backup.transport);
  if (restore?.transport !== undefined) return lacks(restore.transport);
  if (restore !== undefined) {
    const isNew = (restore.to ?? 'new') === 'new';
    const reason = lacks(isNew ? 'restore-new' : 'restore-original');
    if (reason !== undefined) return reason;
  }
  if (step.waitFor !== undefined) return triggerReason(step.waitFor);
  if (step.kill !== undefined) {
    if (!canKill) return "the engine can't be killed through its door";
    return triggerReason(step.kill.when) ?? lacks('cleanup');
  }
  if (step.unprotect !== undefined)
    return step.unprotect.force === true ? 'the driver protocol does not force' : lacks('disables-cbt');
  return step.cleanup === undefined ? undefined : lacks('cleanup');
}

function triggerReason({ storage, checkpoint }: TriggerNode): string | undefined {
  if (storage !== undefined) return "waits for an operation of the repository's storage";
  return checkpoint === undefined ? undefined : 'waits for a step inside of the engine';
}

function flatSteps(steps: readonly StepNode[]): readonly StepNode[] {
  return steps.flatMap((step) => (step.together === undefined ? [step] : flatSteps(step.together.flat())));
}

function servesSeveral(steps: readonly StepNode[]): boolean {
  const hasJob = (list: readonly StepNode[]): boolean =>
    list.some(
      ({ backup, restore, cleanup, unprotect, kill }) =>
        (backup ?? restore ?? cleanup ?? unprotect ?? kill) !== undefined,
    );
  return steps.some(({ together = [] }) => together.filter(hasJob).length > 1);
}

const LONGEST_WAIT_MS = 60_000;
/** A delay of requests strikes at least so many, where the file does not say how many. */
const USUAL_REQUESTS = 8;

/** Time that the story spends waiting, whatever the engine does. */
function tooLong(
  steps: readonly StepNode[],
  { timeScale, isStanding = false }: DrivenFacts,
): string | undefined {
  const waits = flatSteps(steps).map(({ advance, fault }) => {
    const { delay, times = 1 } = fault ?? {};
    const delays = delay === undefined ? 0 : parseDuration(delay) * (times === 0 ? USUAL_REQUESTS : times);
    return (advance === undefined ? 0 : parseDuration(advance)) + delays;
  });
  const totalMs = waits.reduce((sum, ms) => sum + ms, 0);
  if (isStanding && totalMs > 0) return 'waits, and time stands still while a job is at work';
  if (totalMs / timeScale <= LONGEST_WAIT_MS) return undefined;
  const needed = Math.ceil(totalMs / LONGEST_WAIT_MS);
  return `waits ${Math.ceil(totalMs / 60_000)} minutes of the platform's time; --time x${needed} or faster plays it`;
}

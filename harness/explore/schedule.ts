/**
 * A schedule: which actor makes its next call, and how soon after the call before it. It is one short word, so that
 * it can be printed, passed on and played again: `A+~B+/A-=B-`.
 *
 * An actor is a capital letter, with what it does: `+` adds disks to a proxy, `-` removes them, `.` takes its lock,
 * `on` and `off` switch a proxy. Between two steps stands how they follow each other, see `GAPS`.
 */

export const GAPS = {
  '=': 'in the same millisecond',
  '~': 'while the task before it runs',
  ':': 'in the millisecond in which that task ends',
  '^': 'in the midst of reading a hot-added disk',
  '/': 'when all who can have come to their next step',
} as const;

export type Gap = keyof typeof GAPS;

const ACTS = ['+', '-', '.', 'on', 'off'] as const;
export type Act = (typeof ACTS)[number];

export interface Step {
  /** One capital letter. */
  readonly actor: string;
  readonly act: Act;
}

export interface ScheduledStep extends Step {
  /** How it follows the step before it; of the first one without meaning. */
  readonly gap: Gap;
}

/** A text that is no schedule. */
export class ScheduleInvalid extends Error {
  override readonly name = 'ScheduleInvalid';
}

export function formatStep({ actor, act }: Step): string {
  return `${actor}${act}`;
}

export function formatSchedule(steps: readonly ScheduledStep[]): string {
  return steps.map((step, at) => `${at === 0 ? '' : step.gap}${formatStep(step)}`).join('');
}

const STEP = /([=~:^/]?)([A-Z])(\+|-|\.|on|off)/y;

/** Reads what `formatSchedule` writes; spaces are allowed. @throws ScheduleInvalid */
export function parseSchedule(text: string): readonly ScheduledStep[] {
  const word = text.replaceAll(/\s+/g, '');
  const steps: ScheduledStep[] = [];
  for (let at = 0; at < word.length; at = STEP.lastIndex) {
    STEP.lastIndex = at;
    const match = STEP.exec(word);
    const [, gap = '', actor = '', act = ''] = match ?? [];
    if (match === null || !isAct(act)) throw new ScheduleInvalid(`no step begins at "${word.slice(at)}"`);
    if (at > 0 && gap === '')
      throw new ScheduleInvalid(`"${word.slice(at)}" lacks one of = ~ : ^ / before it`);
    steps.push({ actor, act, gap: isGap(gap) ? gap : '/' });
  }
  if (steps.length === 0) throw new ScheduleInvalid('a schedule has at least one step');
  return steps;
}

function isGap(text: string): text is Gap {
  return Object.hasOwn(GAPS, text);
}

function isAct(text: string): text is Act {
  return ACTS.some((act) => act === text);
}

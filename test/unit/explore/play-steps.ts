/** Actors without a world: each makes its steps in order, one at a time. */
import type { Chooser } from '../../../harness/explore/chooser.ts';
import { formatSchedule, type ScheduledStep, type Step } from '../../../harness/explore/schedule.ts';

export function playSteps(chooser: Chooser, lists: readonly (readonly Step[])[]): string {
  const left = lists.map((list) => [...list]);
  const made: ScheduledStep[] = [];
  for (;;) {
    const ready = left.flatMap(([next]) => (next === undefined ? [] : [next]));
    if (ready.length === 0) return formatSchedule(made);
    const chosen = chooser.choose({ gap: '/', ready, canWait: false });
    const step = chosen === 'wait' ? undefined : ready[chosen];
    if (step === undefined) throw new Error('somebody must go');
    left.find(([next]) => next === step)?.shift();
    made.push({ ...step, gap: '/' });
  }
}

/** Actors who add and remove. */
export function adders(letters: string): readonly (readonly Step[])[] {
  return [...letters].map((actor) => [
    { actor, act: '+' },
    { actor, act: '-' },
  ]);
}

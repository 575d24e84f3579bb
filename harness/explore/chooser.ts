/**
 * Who decides what happens next. A run asks its chooser at every point at which more than one thing can happen; the
 * answers, one after the other, are the run's schedule. `every-schedule.ts` has all answers given once.
 */
import { createRng } from '../../src/kernel/rng.ts';
import { formatStep, type Gap, type ScheduledStep, type Step } from './schedule.ts';

/** A point at which somebody may go on. */
export interface Moment {
  readonly gap: Gap;
  /** Those who stand at the gate, at least one. */
  readonly ready: readonly Step[];
  /** Nobody may go now: there will be a later moment. */
  readonly canWait: boolean;
}

export interface Chooser {
  /** The position in `ready` of the one who goes, or `wait`. */
  choose(moment: Moment): number | 'wait';
}

/** What is answered where nothing is to be explored: as late as possible, and then the first by name. */
export function answerPlainly({ canWait }: Moment): number | 'wait' {
  return canWait ? 'wait' : 0;
}

/** A chooser that plays one given schedule, as far as engine and platform let it happen. */
export interface Follower extends Chooser {
  /** Steps that were not made: empty when the schedule was played to its end. */
  readonly remaining: () => readonly ScheduledStep[];
}

/** From the first step on that nobody is ready to make, and after the last one, it answers plainly. */
export function followSchedule(steps: readonly ScheduledStep[]): Follower {
  let at = 0;
  let isStuck = false;
  return {
    remaining: () => steps.slice(at),
    choose(moment) {
      const wanted = steps[at];
      if (wanted === undefined || isStuck) return answerPlainly(moment);
      const found = moment.ready.findIndex((step) => formatStep(step) === formatStep(wanted));
      if (found >= 0 && (at === 0 || wanted.gap === moment.gap)) {
        at++;
        return found;
      }
      isStuck = !moment.canWait;
      return answerPlainly(moment);
    },
  };
}

/**
 * Draws schedules as PCT does: every actor has a priority, the highest that is ready goes as soon as it can, and at a
 * few drawn decisions the highest falls to the bottom. A bug that needs d such changes is found with a chance that
 * depends on d, not on the number of schedules.
 * @source Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic guarantees of finding bugs", 2010
 */
export function drawSchedule(seed: string, changes = 2, expectedDecisions = 24): Chooser {
  const rng = createRng(seed);
  const priorities = new Map<string, number>();
  const changeAt = new Set(Array.from({ length: changes }, () => rng.int(0, expectedDecisions - 1)));
  let decisions = 0;
  let bottom = 0;
  const priorityOf = (actor: string): number => {
    const known = priorities.get(actor);
    if (known !== undefined) return known;
    const drawn = rng.float();
    priorities.set(actor, drawn);
    return drawn;
  };
  return {
    choose({ ready, canWait }) {
      const highest = (): number =>
        ready.reduce((best, step, at) => {
          const other = ready[best];
          return other !== undefined && priorityOf(other.actor) >= priorityOf(step.actor) ? best : at;
        }, 0);
      if (changeAt.has(decisions++)) priorities.set(ready[highest()]?.actor ?? '', --bottom);
      // A gap is as likely to be used as to be let pass.
      return canWait && rng.int(0, 1) === 0 ? 'wait' : highest();
    },
  };
}

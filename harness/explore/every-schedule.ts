/**
 * All schedules, each once: a depth-first walk over the decisions of a run. Nobody has to know the tree beforehand;
 * it shows itself while it is walked, because a run is deterministic: the same answers lead to the same questions.
 */
import { answerPlainly, type Chooser, type Moment } from './chooser.ts';
import { formatStep, type Gap, type Step } from './schedule.ts';

/** The same answers led to other questions: something in the run is not deterministic. */
export class NotDeterministic extends Error {
  override readonly name = 'NotDeterministic';
}

interface Branch {
  readonly options: readonly string[];
  /** With the answer to wait. */
  readonly count: number;
  taken: number;
}

export interface ExplorationLimits {
  /** What comes after such a step is not explored. */
  readonly isLast?: (step: Step) => boolean;
  /** Steps that are tried after `made` others were made; all when absent. */
  readonly tries?: (step: Step, gap: Gap, made: number) => boolean;
}

/**
 * Choosers, one for each run; the run must be over before the next one is taken. Ends when every answer was given at
 * every point.
 * @throws NotDeterministic
 */
export function* everySchedule(limits: ExplorationLimits = {}): Generator<Chooser, void> {
  const path: Branch[] = [];
  do {
    const known = path.length;
    const walk = new Walk(path, limits);
    yield walk;
    if (walk.decisions < known)
      throw new NotDeterministic(`decision ${walk.decisions} of ${known} was never asked again`);
  } while (goOn(path));
}

/** One run along a path, which it makes longer where it is the first to come by. */
class Walk implements Chooser {
  decisions = 0;
  readonly #path: Branch[];
  readonly #limits: ExplorationLimits;
  #isOver = false;
  #made = 0;

  constructor(path: Branch[], limits: ExplorationLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  choose(moment: Moment): number | 'wait' {
    if (this.#isOver) return answerPlainly(moment);
    const answer = this.#explore(moment);
    const step = answer === 'wait' ? undefined : moment.ready[answer];
    if (step === undefined) return 'wait';
    this.#made++;
    this.#isOver = this.#limits.isLast?.(step) === true;
    return answer;
  }

  #explore({ gap, ready, canWait }: Moment): number | 'wait' {
    const { tries = () => true } = this.#limits;
    const tried = ready.flatMap((step, at) => (tries(step, gap, this.#made) ? [at] : []));
    const answers: (number | 'wait')[] = [...tried, ...(canWait ? (['wait'] as const) : [])];
    if (answers.length <= 1) return answers[0] ?? answerPlainly({ gap, ready, canWait });
    const options = tried.map((at) => `${gap}${formatStep(ready[at] ?? NOBODY)}`);
    const branch = this.#branch(options, answers.length);
    return answers[branch.taken] ?? 'wait';
  }

  #branch(options: readonly string[], count: number): Branch {
    const position = this.decisions++;
    const branch = this.#path[position] ?? { options, count, taken: 0 };
    this.#path[position] = branch;
    if (branch.options.join() === options.join() && branch.count === count) return branch;
    throw new NotDeterministic(
      `decision ${position} was between ${branch.options.join(' ')}, now ${options.join(' ')}`,
    );
  }
}

const NOBODY: Step = { actor: '?', act: '.' };

/** Turns to the next answer at the deepest point that has one; `false` when there is none. */
function goOn(path: Branch[]): boolean {
  for (let deepest = path.at(-1); deepest !== undefined; deepest = path.at(-1)) {
    deepest.taken++;
    if (deepest.taken < deepest.count) return true;
    path.pop();
  }
  return false;
}

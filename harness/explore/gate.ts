/**
 * The gate: every call that matters waits here until it is its actor's turn.
 *
 * The intuition: calls of concurrent jobs race only through the order and the distance in which they reach the
 * platform. Hold them all back, let one through at a time, at a chosen distance from the one before, and every race
 * there is can be played. After each call there are up to four moments at which the next one can go:
 *   `=` in the same millisecond, when the call is answered;
 *   `~` half way through the task that it started;
 *   `:` in the millisecond in which that task ends;
 *   `/` when everybody who can come has come. Nobody tells the gate that an actor can't come, because it waits for
 *       another in a queue of the engine; a bounded patience in virtual time does.
 * and `^` whenever somebody reads a hot-added disk, for those who need not come to the gate (the operator).
 *
 * Invariants: one call is let through at a time; none is let through unchosen; time stands still between `=` and the
 * call before it.
 */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { Chooser } from './chooser.ts';
import type { Gap, ScheduledStep, Step } from './schedule.ts';
import type { StartedTask } from './started-task.ts';

export interface GateOptions {
  readonly clock: Clock;
  readonly chooser: Chooser;
  /** Actors that are waited for; the operator is not among them. */
  readonly actors: number;
  /** Virtual time for which a moment waits for those who are not there. */
  readonly patienceMs: number;
  readonly hasEnded: (task: StartedTask) => boolean;
  /** Somebody who is always ready until used up, such as an operator. */
  readonly standby?: Standby;
}

export interface Standby {
  readonly step: Step;
  readonly canGo: () => boolean;
  readonly go: () => StartedTask | undefined;
}

interface Waiting {
  readonly step: Step;
  readonly go: () => Promise<StartedTask | undefined>;
}

export class Gate {
  readonly #options: GateOptions;
  readonly #waiting: Waiting[] = [];
  readonly #passed: ScheduledStep[] = [];
  #standby: Standby | undefined;
  /** Nobody is held. */
  #isOpen = true;
  /** Closed so often; a walk of an earlier time ends. */
  #rounds = 0;
  #wake: (() => void) | undefined;
  #gone = 0;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#standby = options.standby;
  }

  /** The steps made so far, in order. */
  get schedule(): readonly ScheduledStep[] {
    return this.#passed;
  }

  /** Makes the call when it is its turn. `taskOf` reads from the answer what it has started. */
  pass<T>(step: Step, send: () => Promise<T>, taskOf: (answer: T) => StartedTask | undefined): Promise<T> {
    if (this.#isOpen) return send();
    return new Promise<T>((resolve, reject) => {
      const go = async (): Promise<StartedTask | undefined> => {
        try {
          const answer = await send();
          resolve(answer);
          return taskOf(answer);
        } catch (error) {
          reject(error);
          return undefined;
        }
      };
      this.#waiting.push({ step, go });
      this.stir();
    });
  }

  /** Something happened that the gate may be waiting for: a task ended. */
  stir(): void {
    this.#wake?.();
  }

  /** An actor has done all it had to do: nobody waits for it any more. */
  leave(): void {
    this.#gone++;
    this.stir();
  }

  /** A moment in the midst of reading; only for the one who stands by. Synchronous, so the next read sees its effect. */
  readNow(): void {
    if (this.#isOpen || this.#ready(true).length === 0) return;
    const standby = this.#standby;
    if (standby === undefined) return;
    if (this.#options.chooser.choose({ gap: '^', ready: [standby.step], canWait: true }) === 'wait') return;
    this.#useStandby('^');
  }

  /** From now on calls wait for their turn. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    void this.#run(++this.#rounds);
  }

  /** Lets everybody through from now on, and those who wait at once. */
  open(): void {
    this.#isOpen = true;
    for (const { go } of this.#waiting.splice(0)) void go();
    this.stir();
  }

  async #run(round: number): Promise<void> {
    let passed = await this.#atLast();
    while (!this.#isOpen && round === this.#rounds) {
      passed = (await this.#soon(passed)) ?? (await this.#atLast());
    }
  }

  /** The moments that belong to the call before; `undefined` when nobody went. */
  async #soon({ started }: Passed): Promise<Passed | undefined> {
    const { clock, hasEnded } = this.#options;
    const same = await this.#decide('=', true);
    if (same !== undefined || started === undefined) return same;
    if (!hasEnded(started)) {
      await sleep(clock, Math.floor(started.takesMs / 2));
      const during = hasEnded(started) ? undefined : await this.#decide('~', true);
      if (during !== undefined) return during;
    }
    while (!hasEnded(started) && !this.#isOpen) await this.#stirred();
    return this.#decide(':', true);
  }

  /** Waits until all have come or patience is over, then somebody goes. */
  async #atLast(): Promise<Passed> {
    for (;;) {
      while (this.#waiting.length === 0 && !this.#isOpen) await this.#stirred();
      if (this.#isOpen) return { started: undefined };
      await this.#patience();
      const passed = await this.#decide('/', false);
      if (passed !== undefined) return passed;
    }
  }

  async #patience(): Promise<void> {
    const { clock, actors, patienceMs } = this.#options;
    const untilMs = clock.now() + patienceMs;
    const timer = clock.setTimer(untilMs, () => this.stir());
    while (this.#waiting.length < actors - this.#gone && clock.now() < untilMs && !this.#isOpen)
      await this.#stirred();
    timer.cancel();
  }

  async #decide(gap: Gap, canWait: boolean): Promise<Passed | undefined> {
    const ready = this.#isOpen ? [] : this.#ready(false);
    if (ready.length === 0) return undefined;
    const chosen = this.#options.chooser.choose({ gap, ready, canWait });
    if (chosen === 'wait') return undefined;
    const waiting = this.#waiting.filter(({ step }) => step === ready[chosen])[0];
    if (waiting === undefined) return { started: this.#useStandby(gap) };
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
    this.#passed.push({ ...waiting.step, gap });
    return { started: await waiting.go() };
  }

  #ready(isReading: boolean): readonly Step[] {
    const standby = this.#standby?.canGo() === true ? [this.#standby.step] : [];
    // By name, so that the order of arrival is nobody's business.
    const waiting = isReading ? [] : this.#waiting.map(({ step }) => step);
    return [...waiting.toSorted((a, b) => (a.actor < b.actor ? -1 : 1)), ...standby];
  }

  #useStandby(gap: Gap): StartedTask | undefined {
    const standby = this.#standby;
    if (standby === undefined) return undefined;
    this.#standby = undefined;
    this.#passed.push({ ...standby.step, gap });
    return standby.go();
  }

  #stirred(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

/** A call has gone through; what it started, when it started anything. */
interface Passed {
  readonly started: StartedTask | undefined;
}

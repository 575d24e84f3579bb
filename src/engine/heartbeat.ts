/** Renews the word of a run's note that the run is alive, so that nobody takes what it made for a leftover. */
import { sleep } from '../kernel/clock.ts';
import type { JobContext } from './job-context.ts';

/** How long a note vouches for its run; renewed three times in that time. */
export const ALIVE_MS = 90_000;
const BEAT_MS = 30_000;

export class Heartbeat {
  readonly #context: JobContext;
  readonly #stopped = new AbortController();
  readonly #loop: Promise<void>;

  constructor(context: JobContext) {
    this.#context = context;
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort('the run is over');
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock } = this.#context.env;
    while (!this.#stopped.signal.aborted) {
      try {
        await sleep(clock, BEAT_MS, this.#stopped.signal);
        await this.#context.note.update({ aliveUntilMs: clock.now() + ALIVE_MS });
      } catch {
        // A beat that fails is made up by the next one.
      }
    }
  }
}

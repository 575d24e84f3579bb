/** A story's time: virtual where everything is in this process, the wall's where somebody else's engine is at work. */
import type { Clock } from '../../src/kernel/clock.ts';

export interface StoryClock extends Clock {
  /** Lets time go by until `work` is done; a clock that follows the wall just waits. */
  run<T>(work: Promise<T>): Promise<T>;
}

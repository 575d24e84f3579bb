/**
 * What an operator asks of a platform under attack may be refused, because an attack can leave a server locked for a
 * while, and it may not come to an end as long as the attack lasts.
 */
import { sleep } from '../../../src/kernel/clock.ts';
import { ApiError } from '../../../src/contract/errors.ts';
import { NothingToActOn, StoryFailed } from '../outcome.ts';
import type { Story } from '../story.ts';
import { TaskRefused } from './operator-steps.ts';

/** What a story waits for may never come. */
export const LONGEST_WAIT_MS = 600_000;

export function mayBeRefused<Body>(play: (story: Story, body: Body) => Promise<void>) {
  return (story: Story, body: Body): Promise<void> => {
    const played = play(story, body).catch((error: unknown) => {
      if (!REFUSALS.some((refusal) => error instanceof refusal)) throw error;
    });
    return Promise.race([played, sleep(story.clock, LONGEST_WAIT_MS)]);
  };
}

const REFUSALS = [ApiError, TaskRefused, StoryFailed, NothingToActOn];

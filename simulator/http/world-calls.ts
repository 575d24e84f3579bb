/** What the API remembers of a world's calls, whichever listener they came through. */
import { perWorld } from '../domain/per-world.ts';
import type { World } from '../domain/world-api.ts';
import { IdempotencyCache } from './idempotency.ts';
import { MinuteWindows } from './rate-limits.ts';

export class WorldCalls {
  #count = 0;
  readonly idempotency = new IdempotencyCache();
  readonly rates = new MinuteWindows();

  /** Number of the next call, from 1. */
  next(): number {
    return ++this.#count;
  }
}

const kept = perWorld<WorldCalls>();

export function callsOf(world: World): WorldCalls {
  return kept(world, () => new WorldCalls());
}

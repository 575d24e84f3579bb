/**
 * X-Client-Token: the same call sent again within 15 minutes has its effect once, and the earlier answer comes back.
 *
 * Only answers of success are kept: a call that was refused had no effect, so its repetition is tried anew.
 * @source SCP OpenAPI 6.11.1, X-Client-Token (validity, 429); an older manual for the replay
 * @fidelity documented; what another body answers: assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { Reply } from './call.ts';

const VALID_MS = 15 * 60_000;

interface Remembered {
  readonly fingerprint: string;
  readonly atMs: number;
  readonly reply: Reply;
}

export class IdempotencyCache {
  /** In order of time, since a token is only remembered anew after it was forgotten. */
  readonly #replies = new Map<string, Remembered>();

  /**
   * @param fingerprint of method, URL and body
   * @throws IDEMPOTENCY_MISMATCH when the token was used for another call
   */
  run(token: string, fingerprint: string, nowMs: number, perform: () => Reply): Reply {
    this.#forget(nowMs);
    const earlier = this.#replies.get(token);
    if (earlier !== undefined) {
      if (earlier.fingerprint !== fingerprint) throw new ApiError('IDEMPOTENCY_MISMATCH');
      return earlier.reply;
    }
    const reply = perform();
    if (reply.status < 300) this.#replies.set(token, { fingerprint, atMs: nowMs, reply });
    return reply;
  }

  #forget(nowMs: number): void {
    for (const [token, { atMs }] of this.#replies) {
      if (nowMs < atMs + VALID_MS) return;
      this.#replies.delete(token);
    }
  }
}

/** Call limits in windows of a minute that begin with their first call. */
import { ApiError } from '../../src/contract/errors.ts';

const MINUTE_MS = 60_000;
/** Windows kept before the old ones are thrown out. */
const SWEEP_AT = 10_000;

export class MinuteWindows {
  readonly #windows = new Map<string, { readonly startMs: number; count: number }>();

  /** Counts a call and returns how many there are in its window, itself included. */
  count(key: string, nowMs: number): number {
    const open = this.#windows.get(key);
    if (open !== undefined && nowMs < open.startMs + MINUTE_MS) return ++open.count;
    if (this.#windows.size >= SWEEP_AT) this.#sweep(nowMs);
    this.#windows.set(key, { startMs: nowMs, count: 1 });
    return 1;
  }

  #sweep(nowMs: number): void {
    for (const [key, { startMs }] of this.#windows)
      if (nowMs >= startMs + MINUTE_MS) this.#windows.delete(key);
  }
}

/** @source a public client's comment on 429 @fidelity assumed */
const GET_PER_MINUTE = 600;
const OTHERS_PER_MINUTE = 100;

/** The general limit, per caller and interface. @throws RATE_LIMITED */
export function checkGeneralLimit(
  windows: MinuteWindows,
  call: { readonly method: string; readonly operation: string; readonly actor: string },
  nowMs: number,
): void {
  const limit = call.method === 'GET' ? GET_PER_MINUTE : OTHERS_PER_MINUTE;
  if (windows.count(`${call.actor} ${call.operation}`, nowMs) > limit) throw new ApiError('RATE_LIMITED');
}

export interface PublicKeyLimits {
  readonly perAddress: number;
  readonly global: number;
}

/** @source SCP OpenAPI 6.11.1, public-key @fidelity documented */
export const PUBLIC_KEY_LIMITS: PublicKeyLimits = { perAddress: 60, global: 1000 };

/** The limiter that both public-key calls share. */
export class PublicKeyLimiter {
  readonly #limits: PublicKeyLimits;
  readonly #windows = new MinuteWindows();
  #bannedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(limits: PublicKeyLimits) {
    this.#limits = limits;
  }

  /** @throws PUBLIC_KEY_BANNED, RATE_LIMITED */
  check(address: string, nowMs: number): void {
    if (nowMs < this.#bannedUntilMs) throw new ApiError('PUBLIC_KEY_BANNED');
    if (this.#windows.count('*', nowMs) > this.#limits.global) {
      this.#bannedUntilMs = nowMs + MINUTE_MS;
      throw new ApiError('PUBLIC_KEY_BANNED');
    }
    if (this.#windows.count(`address ${address}`, nowMs) > this.#limits.perAddress)
      throw new ApiError('RATE_LIMITED');
  }
}

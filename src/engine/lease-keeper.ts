/**
 * Keeps the lock on a server from running out.
 *
 * The intuition: the lock is a promise with a deadline, and only the platform knows whether a renewal came in time. So
 * a failed renewal proves nothing; the platform's own remaining time, read back, decides.
 *
 * The model: a loop of its own on the clock, independent of any read. Each round renews, reads back, and chooses the
 * next round from the time that is left. `signal` is aborted at the moment the lock is known to be lost, or when its
 * last known deadline passes without word from the platform.
 *
 * @source SCP 6.11.3 guide, backup resources: renew every 1-2 minutes, deleted at the deadline
 */
import { linkedAbort } from '../kernel/linked-abort.ts';
import { type Clock, sleep } from '../kernel/clock.ts';
import { NO_RETRY } from '../sdk/caller.ts';
import type { BackupResource, ScpClient } from '../sdk/scp-client-api.ts';
import { isNotFound } from '../sdk/scp-error.ts';
import { Setback } from './setback.ts';
import { untilAborted } from './until-aborted.ts';

export interface LeaseTerms {
  readonly scp: ScpClient;
  readonly clock: Clock;
  readonly resourceId: string;
  readonly lockTimeSeconds: number;
  readonly renewEveryMs: number;
  /** Called after every round in which the lock was seen to hold. */
  readonly onHeld?: () => void;
}

/** A single question may take a quarter of the time left, between these bounds; then its outcome is unknown. */
const ANSWER_TIMEOUT = { minMs: 2000, maxMs: 20_000 };
const MIN_ROUND_MS = 1000;
/** After a renewal that did not work the next one follows soon. */
const HURRY_MS = 5000;

export class LeaseKeeper {
  readonly #terms: LeaseTerms;
  readonly #lost = new AbortController();
  readonly #stopped = new AbortController();
  #expiresAtMs: number;
  #renewals = 0;
  #loop: Promise<void> = Promise.resolve();

  /** @param remainSeconds what the platform said at `askedAtMs` */
  constructor(terms: LeaseTerms, askedAtMs: number, remainSeconds: number) {
    this.#terms = terms;
    this.#expiresAtMs = askedAtMs + remainSeconds * 1000;
  }

  /** Aborted with a `Setback` when the lock is lost. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  get renewals(): number {
    return this.#renewals;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Stops renewing; the lock itself stays as it is. */
  async stop(): Promise<void> {
    this.#stopped.abort('the lock is given back');
    await this.#loop;
  }

  /** Asks the platform now. @throws Setback when the lock does not hold any more */
  async check(): Promise<void> {
    if (!this.signal.aborted) await this.#readBack();
    this.signal.throwIfAborted();
  }

  async #run(): Promise<void> {
    let waitMs = this.#waitMs(true);
    while (!this.#stopped.signal.aborted && !this.signal.aborted) {
      try {
        await sleep(this.#terms.clock, waitMs, this.#stopped.signal);
      } catch {
        return;
      }
      // A `check` may have found out meanwhile.
      if (this.signal.aborted) return;
      waitMs = this.#waitMs(await this.#renew());
    }
  }

  /** Returns whether the deadline moved. */
  async #renew(): Promise<boolean> {
    const before = this.#expiresAtMs;
    const { resourceId, lockTimeSeconds } = this.#terms;
    // Refused, lost or late: in each case only reading back tells.
    await this.#ask((scp) => scp.renewBackupResource(resourceId, lockTimeSeconds)).catch(() => undefined);
    if (this.#stopped.signal.aborted) return false;
    await this.#readBack();
    const isRenewed = this.#expiresAtMs > before + MIN_ROUND_MS && !this.signal.aborted;
    if (isRenewed) this.#renewals++;
    return isRenewed;
  }

  async #readBack(): Promise<void> {
    const askedAtMs = this.#terms.clock.now();
    try {
      this.#see(await this.#ask((scp) => scp.backupResource(this.#terms.resourceId)), askedAtMs);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      if (isNotFound(error)) this.#lose('the platform does not know the backup resource any more', error);
      else if (this.#terms.clock.now() >= this.#expiresAtMs)
        this.#lose('the lock ran out while the platform did not answer', error);
    }
  }

  #see(resource: BackupResource, askedAtMs: number): void {
    if (resource.status !== 'running') {
      this.#lose(`the backup resource is ${resource.status}`);
      return;
    }
    this.#expiresAtMs = askedAtMs + resource.remainSeconds * 1000;
    this.#terms.onHeld?.();
  }

  #lose(why: string, cause?: unknown): void {
    this.#lost.abort(new Setback('lease-lost', `the lock on the server is lost: ${why}`, { cause }));
  }

  /** A third of what is left, so that two renewals may fail; never more than the usual round. */
  #waitMs(isRenewed: boolean): number {
    const thirdMs = (this.#expiresAtMs - this.#terms.clock.now()) / 3;
    const mostMs = isRenewed ? this.#terms.renewEveryMs : Math.min(HURRY_MS, this.#terms.renewEveryMs);
    return Math.max(MIN_ROUND_MS, Math.min(thirdMs, mostMs));
  }

  async #ask<T>(question: (scp: ScpClient) => Promise<T>): Promise<T> {
    const late = linkedAbort(this.#stopped.signal);
    const { signal } = late;
    const { clock } = this.#terms;
    const quarterMs = (this.#expiresAtMs - clock.now()) / 4;
    const patienceMs = Math.min(Math.max(quarterMs, ANSWER_TIMEOUT.minMs), ANSWER_TIMEOUT.maxMs);
    const timer = clock.setTimer(clock.now() + patienceMs, () => late.abort(new Error('no answer in time')));
    try {
      return await untilAborted(question(this.#terms.scp.with({ signal, retry: NO_RETRY })), signal);
    } finally {
      timer.cancel();
      late.unlink();
    }
  }
}

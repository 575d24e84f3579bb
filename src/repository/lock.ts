/**
 * Who is at work in a repository, so that the sweep of unreferenced chunks never meets a writer whose chunks nobody
 * references yet.
 *
 * The model: whoever writes a point or sweeps puts down a note and only then looks for notes of the other role. Of
 * two that begin at once at least one sees the other, so a writer and a sweeper are never both at work:
 * a writer that sees a sweeper takes its note back, waits and tries again; a sweeper that sees a writer postpones
 * the sweep. Writers do not exclude each other, nor do sweepers (removing twice does nothing).
 *
 * A note carries its expiry in its name, so that seeing the name is seeing the whole note even where a write is not
 * atomic. Its owner puts down a later one in good time and takes none back before it is done, because a listing
 * under way may miss a name that appears while another vanishes. After a kill the note simply expires. Whoever
 * outlives its own note (a suspended machine) must assume that the other role was at work; see `isLapsed`.
 *
 * Processes on several machines need clocks that agree to within a minute.
 */
import { type Clock, sleep } from '../kernel/clock.ts';
import type { Json } from '../kernel/journal.ts';
import { removeQuietly } from './durable-write.ts';
import { RepositoryBusy } from './errors.ts';
import { LOCKS } from './layout.ts';
import type { Storage } from './storage.ts';

export type LockRole = 'writer' | 'sweeper';

/** More than a sweeper's lease, so that a killed one does not fail a backup. */
const SWEEP_PATIENCE_MS = 30 * 60_000;
const SWEEP_POLL_MS = 1000;

const EXPIRY_DIGITS = 15;
const NAME = /^(writer|sweeper)-(\d{15})-([0-9a-f]+)\.json$/;

export interface LockTerms {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly role: LockRole;
  readonly owner: string;
  readonly leaseMs: number;
  /** For the human who looks into the folder. */
  readonly about: Json;
}

/** Puts down a note. It excludes nobody by itself: look at `liveOwners` of the other role next. */
export async function raiseLock(terms: LockTerms): Promise<Lock> {
  const lock = new Lock(terms);
  await lock.renew();
  return lock;
}

export class Lock {
  readonly #terms: LockTerms;
  readonly #paths: string[] = [];
  #expiresAtMs = Number.NEGATIVE_INFINITY;
  #hasLapsed = false;
  #renewing: Promise<void> | undefined;

  constructor(terms: LockTerms) {
    this.#terms = terms;
  }

  /** Whether there was an instant without a valid note since it was raised. */
  get isLapsed(): boolean {
    this.#hasLapsed ||= this.#terms.clock.now() >= this.#expiresAtMs;
    return this.#hasLapsed;
  }

  /**
   * Cheap to call often: puts down a later note only when a third of the lease is over. A failure counts as not
   * renewed; whoever relies on the lock asks `isLapsed` anyway.
   */
  async renewIfDue(): Promise<void> {
    const { clock, leaseMs } = this.#terms;
    if (clock.now() < this.#expiresAtMs - (leaseMs * 2) / 3 || this.isLapsed) return;
    this.#renewing ??= this.renew()
      .catch(() => {})
      .finally(() => {
        this.#renewing = undefined;
      });
    await this.#renewing;
  }

  async renew(): Promise<void> {
    const { storage, clock, role, owner, leaseMs, about } = this.#terms;
    const expiresAtMs = clock.now() + leaseMs;
    const path = `${LOCKS}/${role}-${String(expiresAtMs).padStart(EXPIRY_DIGITS, '0')}-${owner}.json`;
    this.#paths.push(path);
    await storage.write(path, Buffer.from(`${JSON.stringify(about)}\n`));
    this.#expiresAtMs = expiresAtMs;
  }

  /** Takes the notes back. What can't be removed expires. */
  async lower(): Promise<void> {
    for (const path of this.#paths.splice(0)) await removeQuietly(this.#terms.storage, path);
  }
}

/** Owners of a role whose notes have not expired, without repetition. */
export async function liveOwners(storage: Storage, clock: Clock, role: LockRole): Promise<string[]> {
  const notes = await listNotes(storage);
  const live = notes.filter((note) => note.role === role && note.expiresAtMs > clock.now());
  return [...new Set(live.map((note) => note.owner))].sort();
}

/**
 * Raises a writer's note at an instant when nobody sweeps, waiting if need be.
 * @throws RepositoryBusy when somebody swept all the time
 */
export async function raiseWriterLock(terms: Omit<LockTerms, 'role'>): Promise<Lock> {
  const { storage, clock } = terms;
  for (const deadlineMs = clock.now() + SWEEP_PATIENCE_MS; ; ) {
    const lock = await raiseLock({ ...terms, role: 'writer' });
    const sweepers = await liveOwners(storage, clock, 'sweeper');
    if (sweepers.length === 0) return lock;
    await lock.lower();
    if (clock.now() >= deadlineMs)
      throw new RepositoryBusy(`the repository is being pruned by ${sweepers.join(', ')}`);
    await sleep(clock, SWEEP_POLL_MS);
  }
}

export async function removeExpiredLocks(storage: Storage, clock: Clock): Promise<void> {
  for (const note of await listNotes(storage)) {
    if (note.expiresAtMs <= clock.now()) await storage.remove(`${LOCKS}/${note.name}`);
  }
}

async function listNotes(
  storage: Storage,
): Promise<{ name: string; role: string; expiresAtMs: number; owner: string }[]> {
  return (await storage.list(LOCKS)).flatMap((name) => {
    const [, role, expiry, owner] = NAME.exec(name) ?? [];
    return role && expiry && owner ? [{ name, role, expiresAtMs: Number(expiry), owner }] : [];
  });
}

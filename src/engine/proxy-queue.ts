/**
 * What the jobs of one engine share of the proxy VMs: whose turn it is, how many disks are attached, who is at work.
 *
 * The platform runs one HotAdd task per proxy at a time and fails every other one; so the tasks of all jobs queue up
 * here, first come, first served, from the call to the task's end.
 */
import { HostSlots } from './host-slots.ts';

export class ProxyDesk {
  /** Hot-added disks per proxy. */
  readonly slots: HostSlots;
  readonly #proxies = new Map<string, DeskEntry>();

  constructor(maxDisksPerProxy: number) {
    this.slots = new HostSlots(maxDisksPerProxy);
  }

  jobsOn(proxyId: string): number {
    return this.#entryOf(proxyId).jobs;
  }

  /** Counts a job on the proxy. Returns the way to leave, once. */
  join(proxyId: string): () => void {
    const entry = this.#entryOf(proxyId);
    entry.jobs++;
    let isHere = true;
    return () => {
      if (isHere) entry.jobs--;
      isHere = false;
    };
  }

  /** Hot-added disks of this engine's jobs. */
  disksOn(proxyId: string): number {
    return this.#entryOf(proxyId).disks;
  }

  /** Counts disks that are, or are about to be, attached. Returns the way to give them up, once. */
  holdDisks(proxyId: string, count: number): () => void {
    const entry = this.#entryOf(proxyId);
    entry.disks += count;
    let isHeld = true;
    return () => {
      if (isHeld) entry.disks -= count;
      isHeld = false;
    };
  }

  /** A job of this engine started the proxy, and none has powered it off since. */
  isStarted(proxyId: string): boolean {
    return this.#entryOf(proxyId).isStarted;
  }

  setStarted(proxyId: string, isStarted: boolean): void {
    this.#entryOf(proxyId).isStarted = isStarted;
  }

  /** Runs `work` when everything that came before it is done. @throws the reason of `signal` while it waits */
  inTurn<T>(proxyId: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#entryOf(proxyId).queue.run(work, signal);
  }

  #entryOf(proxyId: string): DeskEntry {
    const entry = this.#proxies.get(proxyId) ?? {
      jobs: 0,
      disks: 0,
      isStarted: false,
      queue: new TurnQueue(),
    };
    this.#proxies.set(proxyId, entry);
    return entry;
  }
}

interface DeskEntry {
  jobs: number;
  disks: number;
  isStarted: boolean;
  readonly queue: TurnQueue;
}

/** One at a time, in the order of arrival; what fails lets the next one in all the same. */
export class TurnQueue {
  #last: Promise<void> = Promise.resolve();

  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    const { promise: mine, resolve: leave } = Promise.withResolvers<void>();
    this.#last = before.then(() => mine);
    try {
      await turnOf(before, signal);
      return await work();
    } finally {
      leave();
    }
  }
}

async function turnOf(before: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return before;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([before, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

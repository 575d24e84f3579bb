/**
 * How many data connections the jobs of one engine may hold to a host at once, all together.
 *
 * A host serves so many and refuses the rest, and a storm of refusals leaves snapshots piling up. So whoever has no
 * room waits in line, under its lock, which is renewed meanwhile. First come, first served: a disk that wants several
 * connections is not overtaken by those that want one, or it would starve. Nobody waits in line while holding slots
 * of another disk, so the line always moves.
 */
export class HostSlots {
  readonly perHost: number;
  readonly #lines = new Map<string, Line>();

  constructor(perHost: number) {
    this.perHost = perHost;
  }

  /**
   * Waits for `count` slots (all there are, if there are fewer). Returns the way to give them back, once.
   * @throws the reason of `signal`
   */
  async take(host: string, count: number, signal: AbortSignal, onWait: () => void): Promise<() => void> {
    const line = this.#lineOf(host);
    const wanted = Math.min(count, this.perHost);
    signal.throwIfAborted();
    if (!line.canEnter(wanted)) {
      onWait();
      signal.throwIfAborted();
      await line.wait(wanted, signal);
    } else line.enter(wanted);
    return once(() => line.leave(wanted));
  }

  #lineOf(host: string): Line {
    const line = this.#lines.get(host) ?? new Line(this.perHost);
    this.#lines.set(host, line);
    return line;
  }
}

interface Waiting {
  readonly wanted: number;
  readonly go: () => void;
}

class Line {
  #free: number;
  readonly #waiting: Waiting[] = [];

  constructor(slots: number) {
    this.#free = slots;
  }

  canEnter(wanted: number): boolean {
    return this.#waiting.length === 0 && wanted <= this.#free;
  }

  enter(wanted: number): void {
    this.#free -= wanted;
  }

  leave(wanted: number): void {
    this.#free += wanted;
    this.#admit();
  }

  wait(wanted: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason as Error);
        // Who wanted more than there was may have kept others waiting.
        this.#admit();
      };
      const go = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const waiting = { wanted, go };
      this.#waiting.push(waiting);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #admit(): void {
    for (let first = this.#waiting[0]; first && first.wanted <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.enter(first.wanted);
      first.go();
    }
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}

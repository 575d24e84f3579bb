/** A place for one connection, which is opened when it is needed and again after it was lost. */
import { type Clock, sleep } from '../../kernel/clock.ts';
import { type LinkedAbort, linkedAbort } from '../../kernel/linked-abort.ts';
import { NbdConnectionLost } from './errors.ts';
import { NbdConnection } from './nbd-connection.ts';

export interface LaneOptions {
  readonly open: (signal: AbortSignal) => Promise<NbdConnection>;
  readonly clock: Clock;
  readonly retryDelayMs: number;
  /** Ends opening and the waits before it; an open connection stays. */
  readonly signal: AbortSignal | undefined;
  readonly onReconnect: () => void;
}

const MAX_BACK_OFF = 16;

export class Lane {
  readonly #options: LaneOptions;
  /** Ends the opening that is under way. */
  #stop: LinkedAbort | undefined;
  #isClosed = false;
  #connection: NbdConnection | undefined;
  #users = 0;
  #opening: Promise<NbdConnection> | undefined;
  /** Connections opened, or tried, since a request last succeeded here; the working one counts. */
  #attempts: number;

  constructor(options: LaneOptions, connection?: NbdConnection) {
    this.#options = options;
    this.#connection = connection;
    this.#attempts = connection === undefined ? 0 : 1;
  }

  /** How busy it is. A lane that has to connect first comes after an open one that is as busy. */
  get load(): number {
    return this.#users + (this.#connection?.isAlive ? 0 : 0.5);
  }

  /** Counts somebody who waits here for a connection or an answer. Returns the way to leave. */
  enter(): () => void {
    this.#users++;
    return () => {
      this.#users--;
    };
  }

  /** The open connection, or a new one. Everybody who comes meanwhile gets the same. */
  connection(): Promise<NbdConnection> {
    if (this.#connection?.isAlive) return Promise.resolve(this.#connection);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** A request was answered: the next loss starts again with the shortest wait. */
  succeeded(): void {
    this.#attempts = 1;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.abort(new NbdConnectionLost('client is closed'));
    await this.#opening?.catch(() => undefined);
    await this.#connection?.close();
  }

  async #open(): Promise<NbdConnection> {
    if (this.#isClosed) throw new NbdConnectionLost('client is closed');
    const stop = linkedAbort(this.#options.signal);
    this.#stop = stop;
    try {
      const isAgain = this.#connection !== undefined;
      if (this.#attempts > 0) await this.#backOff(stop.signal);
      this.#attempts++;
      this.#connection = await this.#options.open(stop.signal);
      if (isAgain) this.#options.onReconnect();
      return this.#connection;
    } finally {
      stop.unlink();
      this.#stop = undefined;
    }
  }

  async #backOff(signal: AbortSignal): Promise<void> {
    const { clock, retryDelayMs } = this.#options;
    const factor = Math.min(2 ** (this.#attempts - 1), MAX_BACK_OFF);
    await sleep(clock, retryDelayMs * factor, signal).catch(() => signal.throwIfAborted());
  }
}

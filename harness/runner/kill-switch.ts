/**
 * Death of an engine's process, as the rest of the world sees it: from that instant nothing that was lent to the
 * engine answers any more, its timers never fire, and its streams are torn down. What the engine's code still does
 * is without consequence, and what had reached the platform or the storage before stays there.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/kernel/clock.ts';
import type { HttpTransport } from '../../src/sdk/http-transport.ts';

export class KillSwitch {
  #isKilled = false;
  readonly #onKill = new Set<() => void>();

  get isKilled(): boolean {
    return this.#isKilled;
  }

  kill(): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    for (const act of this.#onKill) act();
    this.#onKill.clear();
  }

  /** Calls `act` at the kill, or now when it has happened. Returns the way to forget it. */
  onKill(act: () => void): () => void {
    if (this.#isKilled) act();
    else this.#onKill.add(act);
    return () => this.#onKill.delete(act);
  }

  /** The outcome of `work`, as long as there is somebody to hear of it; else nothing, for ever. */
  gate<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isKilled) return never();
    return new Promise((resolve, reject) => {
      work().then(
        (value) => this.#isKilled || resolve(value),
        (error: unknown) => this.#isKilled || reject(error),
      );
    });
  }
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => undefined);
}

export function gateClock(clock: Clock, power: KillSwitch): Clock {
  return {
    now: () => clock.now(),
    setTimer(atMs, fire) {
      const timer = clock.setTimer(atMs, () => {
        forget();
        if (!power.isKilled) fire();
      });
      const forget = power.onKill(() => timer.cancel());
      return {
        cancel: () => {
          forget();
          timer.cancel();
        },
      };
    },
    hold() {
      const release = clock.hold();
      const forget = power.onKill(release);
      return () => {
        forget();
        release();
      };
    },
  };
}

export function gateTransport(transport: HttpTransport, power: KillSwitch): HttpTransport {
  return {
    send: (request, signal) => power.gate(() => transport.send(request, signal)),
    // The simulator's door stays open: it serves the next engine too.
    close: () => Promise.resolve(),
    parseJson: transport.parseJson,
  };
}

type Dial = (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;

export function gateDial(dial: Dial, power: KillSwitch): Dial {
  return (host, port, signal) =>
    power.gate(async () => {
      const stream = await dial(host, port, signal);
      // With an error, because only that breaks the other end of a duplex pair off, as a dead process's reset does.
      stream.on('error', () => undefined);
      const forget = power.onKill(() => void stream.destroy(new Error('the process was killed')));
      stream.once('close', forget);
      return stream;
    });
}

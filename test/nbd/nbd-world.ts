/** A server and its clients in one process: duplex pairs for sockets, virtual time. */
import { duplexPair } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { type NbdLimits, defaultNbdLimits } from '../../simulator/nbd/nbd-limits.ts';
import type { NbdObserver } from '../../simulator/nbd/nbd-observer.ts';
import type { OutputFilter } from '../../simulator/nbd/reply-output.ts';
import { serveNbd } from '../../simulator/nbd/serve-nbd.ts';
import { VirtualClock } from '../../src/kernel/virtual-clock.ts';
import { connectNbd, type NbdClient, type NbdClientOptions, type NbdDial } from '../../src/nbd/index.ts';
import type { TestDirectory } from './test-directory.ts';

export interface NbdWorldOptions {
  /** Where virtual time begins. */
  readonly startMs?: number;
  readonly directory: TestDirectory;
  readonly secureContext?: () => SecureContext;
  readonly limits?: Partial<NbdLimits>;
  /** Filters of the n-th connection, counted from 1. */
  readonly filters?: (connection: number) => readonly OutputFilter[];
}

export class NbdWorld {
  readonly clock: VirtualClock;
  /** One line for everything that the server saw. */
  readonly log: string[] = [];
  readonly directory: TestDirectory;
  readonly #options: NbdWorldOptions;
  readonly #served: Promise<void>[] = [];

  constructor(options: NbdWorldOptions) {
    this.#options = options;
    this.clock = new VirtualClock(options.startMs ?? Date.UTC(2026, 0, 1));
    this.directory = options.directory;
  }

  readonly dial: NbdDial = async () => {
    const [client, server] = duplexPair();
    this.#serve(server);
    return client;
  };

  connect(options: Omit<NbdClientOptions, 'dial'> & { readonly dial?: NbdDial }): Promise<NbdClient> {
    return this.clock.run(connectNbd({ dial: this.dial, ...options }, this.clock));
  }

  /** Runs `work` in virtual time. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work);
  }

  /** Resolves when every connection is over. */
  async settled(): Promise<void> {
    await this.clock.run(Promise.all(this.#served));
  }

  get connections(): number {
    return this.#served.length;
  }

  #serve(server: ReturnType<typeof duplexPair>[0]): void {
    const { directory, secureContext, limits, filters } = this.#options;
    const connectionId = this.#served.length + 1;
    const context = {
      directory,
      ...(secureContext && { secureContext }),
      ...(filters && { filters: () => filters(connectionId) }),
      observer: this.#observer,
      limits: { ...defaultNbdLimits, ...limits },
      clock: this.clock,
      connectionId,
      address: 'test',
    };
    this.#served.push(serveNbd(server, context));
  }

  readonly #observer: NbdObserver = {
    opened: (id, address) => this.#note(`${id} opened from ${address}`),
    option: (id, option, reply, exportName, isTls) =>
      this.#note(
        `${id} ${option} ${reply}${exportName === undefined ? '' : ` ${exportName}`}${isTls ? ' tls' : ''}`,
      ),
    request: (id, request, command, flags, offset, length) =>
      this.#note(`${id} request ${request}: ${command} ${flags} ${offset}+${length}`),
    reply: (id, request, errno, bytes) => this.#note(`${id} reply ${request}: ${errno} ${bytes}`),
    closed: (id, why) => this.#note(`${id} closed: ${why}`),
  };

  #note(line: string): void {
    this.log.push(line);
  }
}

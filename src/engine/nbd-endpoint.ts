/**
 * Where and how the disks of a backup resource are read or written.
 *
 * The platform's own library hides the address; the resource's host is taken, and the server's host on platforms that
 * do not name one.
 * @fidelity assumed (address, port and export name), documented (ca_cert)
 */
import { nbdExportName } from '../contract/assumed.ts';
import { sleep } from '../kernel/clock.ts';
import { connectNbd } from '../nbd/client/connect-nbd.ts';
import { NbdConnectionLost, NbdError } from '../nbd/client/errors.ts';
import type { NbdClient, NbdClientOptions } from '../nbd/client/nbd-client-api.ts';
import { ProtocolError } from '../sdk/protocol-error.ts';
import type { DiskDoor, DoorOptions } from './disk-door.ts';
import type { NetworkTransport } from './engine-api.ts';
import { type JobContext, report } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { Setback } from './setback.ts';

export interface NetworkDoorOptions extends Pick<DoorOptions, 'server' | 'lock' | 'signal'> {
  readonly transport: NetworkTransport;
  /**
   * Asked once, an answer that takes longer is not waited for, and nothing stays open. Default: patience with a host
   * that is busy.
   */
  readonly patienceMs?: number;
}

/** Tries to open, one after the other with growing pauses: about half a minute in all. */
const OPEN_ATTEMPTS = 7;
const FIRST_PAUSE_MS = 500;

/**
 * A connection that is dropped in mid-work, with requests unanswered, is over for this side at once, for the host when
 * it notices. The lock is not given back before that.
 */
const NOTICE_MS = 250;

export async function findDiskDoor(context: JobContext, options: NetworkDoorOptions): Promise<DiskDoor> {
  return new NetworkDoor(context, options, await findHostAddress(context, options));
}

interface OpenExport {
  readonly deviceId: string;
  readonly connections: number;
  readonly nbd: NbdClient;
  /** Gives the host its slots back. */
  readonly leave: () => void;
}

/**
 * Each `use` waits while the host has no room for more connections of this engine. The disk that was used last stays
 * open: often it is used again at once, planned first and then read.
 */
class NetworkDoor implements DiskDoor {
  readonly transport: NetworkTransport;
  readonly #context: JobContext;
  readonly #options: NetworkDoorOptions;
  readonly #host: string;
  readonly #tls: Pick<NbdClientOptions, 'tls'>;
  #last: OpenExport | undefined;
  #hasFailed = false;

  constructor(context: JobContext, options: NetworkDoorOptions, host: string) {
    this.transport = options.transport;
    this.#context = context;
    this.#options = options;
    this.#host = host;
    const { transport, lock } = options;
    this.#tls = transport === 'nbdssl' ? { tls: { ca: pemOf(lock.resource.caCert), host } } : {};
  }

  async use<T>(deviceId: string, wanted: number, work: (disk: OpenDisk) => Promise<T>): Promise<T> {
    try {
      const { nbd } = await this.#opened(deviceId, Math.min(wanted, this.#context.hostSlots.perHost));
      const result = await work(nbd);
      if (this.#options.patienceMs !== undefined) await this.#close();
      return result;
    } catch (error) {
      this.#hasFailed = true;
      await this.#close();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
    if (this.#hasFailed) await sleep(this.#context.env.clock, NOTICE_MS);
  }

  async #opened(deviceId: string, connections: number): Promise<OpenExport> {
    if (this.#last?.deviceId === deviceId && this.#last.connections >= connections) return this.#last;
    // Whoever waits for slots must not hold any.
    await this.#close();
    const { signal } = this.#options;
    const leave = await takeSlots(this.#context, signal, this.#host, connections);
    try {
      const nbd = await openPatiently(this.#context, this.#options, () =>
        this.#connect(deviceId, connections),
      );
      this.#last = { deviceId, connections, nbd, leave };
      return this.#last;
    } catch (error) {
      leave();
      throw error;
    }
  }

  #connect(deviceId: string, connections: number): Promise<NbdClient> {
    const { env, settings } = this.#context;
    const { lock, patienceMs, signal } = this.#options;
    const connect = env.connectNbd ?? connectNbd;
    return connect(
      {
        dial: (dialSignal) => env.dialNbd(this.#host, settings.nbdPort, dialSignal),
        exportName: nbdExportName(lock.resourceId, deviceId),
        connections,
        requestTimeoutMs: patienceMs ?? settings.requestTimeoutMs,
        ...(patienceMs === undefined ? {} : { retries: 0 }),
        signal,
        ...this.#tls,
      },
      env.clock,
    );
  }

  async #close(): Promise<void> {
    const last = this.#last;
    this.#last = undefined;
    await last?.nbd.close().catch(() => {});
    last?.leave();
  }
}

function takeSlots(
  context: JobContext,
  signal: AbortSignal,
  host: string,
  connections: number,
): Promise<() => void> {
  return context.hostSlots.take(host, connections, signal, () =>
    report(context, { step: 'connect', message: `waiting: ${host} has no connections to spare` }),
  );
}

async function findHostAddress(context: JobContext, { server, lock }: NetworkDoorOptions): Promise<string> {
  const hostId = lock.resource.hostId ?? server.hostId;
  const host = (await context.scp.hosts()).find((known) => known.id === hostId);
  if (host === undefined)
    throw new Refusal(
      `the platform does not list host ${hostId} of the backup resource`,
      'check that the account may see the hosts of the resource pool',
    );
  return host.ip;
}

/** `ca_cert` is the base64 of the DER, in one line and without armour. */
function pemOf(caCert: string): string {
  const base64 = caCert.replace(/-----[A-Z ]+-----|\s/g, '');
  if (base64 === '' || !/^[A-Za-z0-9+/]+=*$/.test(base64))
    throw new ProtocolError('backup-resources.get', 'ca_cert', 'is no base64 of a certificate');
  const lines = base64.match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** A refusal for good (TLS, unknown export) is not repeated; but a lost lock looks like one, so the lock is asked. */
async function openPatiently(
  context: JobContext,
  { lock, signal, patienceMs }: NetworkDoorOptions,
  open: () => Promise<NbdClient>,
): Promise<NbdClient> {
  const attempts = patienceMs === undefined ? OPEN_ATTEMPTS : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      signal.throwIfAborted();
      await lock.lease.check();
      if (!(error instanceof NbdConnectionLost) || attempt >= attempts) throw explainDataPath(error);
      const pauseMs = FIRST_PAUSE_MS * 2 ** (attempt - 1);
      await sleep(context.env.clock, pauseMs, signal).catch(() => signal.throwIfAborted());
    }
  }
}

/** A connection that is lost for good spoils the attempt, not the job. */
export function explainDataPath(error: unknown): unknown {
  if (!(error instanceof NbdConnectionLost) && !isShutDown(error)) return error;
  return new Setback('data-path-lost', `the data connection is lost: ${(error as Error).message}`, {
    cause: error,
  });
}

function isShutDown(error: unknown): boolean {
  return error instanceof NbdError && error.code === 'ESHUTDOWN';
}

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
import type { NbdClient } from '../nbd/client/nbd-client-api.ts';
import { ProtocolError } from '../sdk/protocol-error.ts';
import type { DiskDoor, DoorOptions } from './disk-door.ts';
import type { NetworkTransport } from './engine-api.ts';
import { type JobContext, report } from './job-context.ts';
import { Refusal } from './job-failed.ts';
import { Setback } from './setback.ts';

export interface NetworkDoorOptions extends Pick<DoorOptions, 'server' | 'lock' | 'signal'> {
  readonly transport: NetworkTransport;
  /** Asked once, and an answer that takes longer is not waited for. Default: patience with a host that is busy. */
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

/** Each `use` waits while the host has no room for more connections of this engine. */
export async function findDiskDoor(context: JobContext, options: NetworkDoorOptions): Promise<DiskDoor> {
  const { lock, transport } = options;
  const host = await findHostAddress(context, options);
  const tls = transport === 'nbdssl' ? { tls: { ca: pemOf(lock.resource.caCert), host } } : {};
  const connect = context.env.connectNbd ?? connectNbd;
  const open = (deviceId: string, connections: number) =>
    connect(
      {
        dial: (signal) => context.env.dialNbd(host, context.settings.nbdPort, signal),
        exportName: nbdExportName(lock.resourceId, deviceId),
        connections,
        requestTimeoutMs: options.patienceMs ?? context.settings.requestTimeoutMs,
        ...(options.patienceMs === undefined ? {} : { retries: 0 }),
        signal: options.signal,
        ...tls,
      },
      context.env.clock,
    );
  let hasFailed = false;
  return {
    transport,
    async use(deviceId, wanted, work) {
      const connections = Math.min(wanted, context.hostSlots.perHost);
      const leave = await takeSlots(context, options.signal, host, connections);
      try {
        const nbd = await openPatiently(context, options, () => open(deviceId, connections));
        return await work(nbd).finally(() => nbd.close().catch(() => {}));
      } catch (error) {
        hasFailed = true;
        throw error;
      } finally {
        leave();
      }
    },
    async [Symbol.asyncDispose]() {
      if (hasFailed) await sleep(context.env.clock, NOTICE_MS);
    },
  };
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

import type { Clock } from '../../kernel/clock.ts';
import { ALLOCATION_CONTEXT, TRANSMISSION_FLAG } from '../wire/constants.ts';
import { NbdConnectionLost, NbdProtocolError } from './errors.ts';
import { Lane } from './lane.ts';
import { type ListedExport, list, negotiate, type OpenedExport } from './negotiate.ts';
import type { NbdClient, NbdClientOptions, NbdExportInfo } from './nbd-client-api.ts';
import { NbdConnection } from './nbd-connection.ts';
import { withDialled } from './open-connection.ts';
import { PooledClient } from './pooled-client.ts';

const DEFAULTS = {
  connections: 1,
  inFlight: 16,
  requestTimeoutMs: 30_000,
  retries: 5,
  retryDelayMs: 200,
  metaContexts: [ALLOCATION_CONTEXT],
};

/**
 * Opens an export. The first connection is tried once; later ones as `retries` says.
 * @throws NbdRefused when the server does not give the export, NbdTlsError, NbdProtocolError, NbdConnectionLost,
 *   NbdTimeout, and the reason of `options.signal`
 */
export async function connectNbd(options: NbdClientOptions, clock: Clock): Promise<NbdClient> {
  const settings: Settings = { ...DEFAULTS, ...options };
  const open = (signal?: AbortSignal): Promise<NbdConnection> => openConnection(settings, clock, signal);
  const first = await open(settings.signal);
  let reconnects = 0;
  const laneOptions = {
    open: async (signal: AbortSignal) => sameExport(first.opened, await open(signal)),
    clock,
    retryDelayMs: settings.retryDelayMs,
    signal: settings.signal,
    onReconnect: () => {
      reconnects++;
    },
  };
  const isShareable = (first.opened.limits.flags & TRANSMISSION_FLAG.CAN_MULTI_CONN) !== 0;
  const count = isShareable ? Math.max(1, settings.connections) : 1;
  const others = Array.from({ length: count - 1 }, () => new Lane(laneOptions));
  return new PooledClient({
    info: describe(first.opened),
    lanes: [new Lane(laneOptions, first), ...others],
    inFlight: settings.inFlight,
    retries: settings.retries,
    reconnects: () => reconnects,
  });
}

export type NbdListOptions = Pick<NbdClientOptions, 'dial' | 'tls' | 'requestTimeoutMs'>;

/**
 * Names of the exports that the server shows.
 * @throws NbdRefused when it does not tell, and as `connectNbd`
 */
export function listNbdExports(options: NbdListOptions, clock: Clock): Promise<ListedExport[]> {
  const timeoutMs = options.requestTimeoutMs ?? DEFAULTS.requestTimeoutMs;
  return withDialled(options.dial, clock, timeoutMs, undefined, async (stream) => {
    try {
      return await list(stream, options.tls, clock);
    } finally {
      stream.destroy(new NbdConnectionLost('closed'));
    }
  });
}

type Settings = Required<Omit<NbdClientOptions, 'tls' | 'signal'>> & Pick<NbdClientOptions, 'tls' | 'signal'>;

function openConnection(settings: Settings, clock: Clock, signal?: AbortSignal): Promise<NbdConnection> {
  const { dial, exportName, tls, requestTimeoutMs } = settings;
  const metaContexts = [...new Set(settings.metaContexts)];
  return withDialled(dial, clock, requestTimeoutMs, signal, async (stream) => {
    const opened = await negotiate(stream, { exportName, tls, metaContexts }, clock);
    return new NbdConnection(opened, clock, requestTimeoutMs);
  });
}

/** A reconnect that finds another disk must not go on: half of the image would come from each. */
function sameExport(before: OpenedExport, connection: NbdConnection): NbdConnection {
  const now = connection.opened;
  const isSame = now.limits.sizeBytes === before.limits.sizeBytes && now.limits.flags === before.limits.flags;
  const hasContexts = [...before.contexts.keys()].every((name) => now.contexts.has(name));
  if (isSame && hasContexts) return connection;
  const error = new NbdProtocolError('the export is another one after reconnecting');
  connection.destroy(error);
  throw error;
}

function describe({ limits, contexts }: OpenedExport): NbdExportInfo {
  return {
    ...limits,
    isReadOnly: (limits.flags & TRANSMISSION_FLAG.READ_ONLY) !== 0,
    metaContexts: [...contexts.keys()],
  };
}

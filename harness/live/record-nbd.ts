/**
 * NBD connections of an engine, as the engine itself sees them, in a journal. Requests are those of the engine to its
 * client; that the client may split them, and spread them over its connections, is not seen.
 */
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/kernel/clock.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import { connectNbd } from '../../src/nbd/client/connect-nbd.ts';
import type { NbdClient, NbdClientOptions } from '../../src/nbd/client/nbd-client-api.ts';
import { notedIo } from './noted-io.ts';

export type ConnectNbd = (options: NbdClientOptions, clock: Clock) => Promise<NbdClient>;

/** `connect` is for tests of the recorder alone. */
export function createRecordedNbd(journal: Journal, connect: ConnectNbd = connectNbd): ConnectNbd {
  let connections = 0;
  return async (options, clock) => {
    const open = new Set<number>();
    let isEnding = false;
    const opened = (connection: number, stream: Duplex): void => {
      open.add(connection);
      journal.append({ type: 'nbd.open', connection, address: 'platform' });
      stream.once('close', () => {
        open.delete(connection);
        journal.append({ type: 'nbd.close', connection, why: isEnding ? 'disconnect' : 'lost' });
      });
    };
    const client = await connect(
      {
        ...options,
        async dial(signal) {
          const stream = await options.dial(signal);
          opened(++connections, stream);
          return stream;
        },
      },
      clock,
    );
    const about = { export: options.exportName, isTls: options.tls !== undefined, reply: 'ACK' } as const;
    const agreed =
      client.info.metaContexts.length > 0 ? (['SET_META_CONTEXT', 'GO'] as const) : (['GO'] as const);
    for (const connection of open)
      for (const option of agreed) journal.append({ type: 'nbd.option', connection, option, ...about });
    const [first = 0] = open;
    return recorded(client, journal, first, () => {
      isEnding = true;
    });
  };
}

function recorded(client: NbdClient, journal: Journal, connection: number, ends: () => void): NbdClient {
  let requests = 0;
  const note = async <T>(command: string, offset: number, length: number, work: Promise<T>): Promise<T> => {
    const request = ++requests;
    const flags = 0;
    journal.append({ type: 'nbd.request', connection, request, command, flags, offset, length });
    try {
      const result = await work;
      journal.append({
        type: 'nbd.reply',
        connection,
        request,
        error: 0,
        bytes: command === 'READ' ? length : 0,
      });
      return result;
    } catch (error) {
      journal.append({ type: 'nbd.reply', connection, request, error: EIO, bytes: 0 });
      throw error;
    }
  };
  const close = async (): Promise<void> => {
    ends();
    await client.close();
  };
  return {
    get info() {
      return client.info;
    },
    get reconnects() {
      return client.reconnects;
    },
    ...notedIo(client, note),
    trim: (offset, length, signal) => note('TRIM', offset, length, client.trim(offset, length, signal)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** For every failure; which one it was, the engine's error says. */
const EIO = 5;

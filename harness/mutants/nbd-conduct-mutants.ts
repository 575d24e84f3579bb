/** Engines that talk with the data service otherwise than they should. Their bytes are often right. */
import type { connectNbd } from '../../src/nbd/client/connect-nbd.ts';
import type { NbdClient } from '../../src/nbd/client/nbd-client-api.ts';
import {
  ALLOCATION_CONTEXT,
  COMMAND,
  OPTION,
  OPTION_MAGIC,
  OPTION_REPLY,
} from '../../src/nbd/wire/constants.ts';
import { encodeMetaContext, encodeOption, encodeOptionReply } from '../../src/nbd/wire/encode-handshake.ts';
import { encodeRequest } from '../../src/nbd/wire/encode-transmission.ts';
import type { Mutant } from './mutant.ts';
import { commandOf, editRequests, withEditedBytes, withMethods } from './nbd-edits.ts';

const BLOCK_BYTES = 64 * 1024;

export const NBD_CONDUCT_MUTANTS: readonly Mutant[] = [
  {
    id: 'nbdssl-in-the-clear',
    breaks: 'engine',
    title: 'speaks plain NBD where NBDSSL was asked for',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbdssl',
    seams: () => ({
      connectNbd:
        (inner) =>
        ({ tls: _tls, ...options }, clock) =>
          inner(options, clock),
    }),
  },
  {
    id: 'option-with-stray-data',
    breaks: 'engine',
    title: 'sends data with an option that takes none',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      dialNbd: (inner) => (host, port, signal) =>
        withEditedBytes((until) => inner(host, port, until), withStrayData)(signal),
    }),
  },
  {
    id: 'reads-whole-blocks-at-the-end',
    breaks: 'engine',
    title: 'reads the last block of a disk as a whole one',
    killers: ['S003-holes-and-odd-sizes'],
    engine: 'nbd',
    seams: () => ({
      dialNbd: (inner) => (host, port, signal) =>
        withEditedBytes(
          (until) => inner(host, port, until),
          (chunk) => editRequests(chunk, roundedUp),
        )(signal),
    }),
  },
  {
    id: 'drops-its-connections',
    breaks: 'engine',
    title: 'closes its connections without a word',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({ connectNbd: dropping }),
  },
  {
    id: 'block-status-without-context',
    breaks: 'engine',
    title: 'asks for block status without having agreed on a context',
    killers: ['S004-many-disks-cbt-on-some'],
    engine: 'nbd',
    seams: () => ({
      dialNbd: (inner) => (host, port, signal) =>
        withEditedBytes((until) => inner(host, port, until), answeringContexts)(signal),
    }),
  },
  {
    id: 'writes-to-what-it-backs-up',
    breaks: 'engine',
    title: 'leaves a mark in the first sector of a disk that it backs up',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      connectNbd: (inner) => async (options, clock) => marking(await inner(options, clock)),
    }),
  },
  {
    id: 'asks-after-goodbye',
    breaks: 'engine',
    title: 'sends a last read behind DISC',
    killers: ['S001-full-backup-and-restore'],
    engine: 'nbd',
    seams: () => ({
      dialNbd: (inner) => (host, port, signal) =>
        withEditedBytes(
          (until) => inner(host, port, until),
          (chunk) => editRequests(chunk, withOneMore),
        )(signal),
    }),
  },
  {
    id: 'floods-a-host-with-connections',
    breaks: 'engine',
    title: 'opens as many connections as it can',
    killers: ['S036-guest-writes-during-the-backup'],
    engine: 'nbd',
    seams: () => ({ connectNbd: flooding }),
  },
];

/** STRUCTURED_REPLY is followed by eight bytes that nobody asked for. */
function withStrayData(chunk: Buffer): Buffer {
  return isOption(chunk, OPTION.STRUCTURED_REPLY)
    ? encodeOption(OPTION.STRUCTURED_REPLY, Buffer.alloc(8))
    : chunk;
}

function isOption(chunk: Buffer, option: number): boolean {
  return (
    chunk.length >= 16 &&
    chunk.readUInt32BE(0) === OPTION_MAGIC.high &&
    chunk.readUInt32BE(4) === OPTION_MAGIC.low &&
    chunk.readUInt32BE(8) === option
  );
}

function roundedUp(header: Buffer): Buffer {
  if (commandOf(header) !== COMMAND.READ) return header;
  const changed = Buffer.from(header);
  changed.writeUInt32BE(Math.ceil(header.readUInt32BE(24) / BLOCK_BYTES) * BLOCK_BYTES, 24);
  return changed;
}

function dropping(inner: typeof connectNbd): typeof connectNbd {
  return async ({ dial, ...options }, clock) => {
    const dialled: { destroy(): void }[] = [];
    const client = await inner(
      {
        ...options,
        dial: async (signal) => {
          const stream = await dial(signal);
          dialled.push(stream);
          return stream;
        },
      },
      clock,
    );
    const drop = async (): Promise<void> => {
      for (const stream of dialled) stream.destroy();
    };
    return withMethods(client, { close: drop, [Symbol.asyncDispose]: drop });
  };
}

/** The service never hears of it; the client is told that it has agreed. */
function answeringContexts(chunk: Buffer, answer: (bytes: Buffer) => void): Buffer {
  if (!isOption(chunk, OPTION.SET_META_CONTEXT)) return chunk;
  const { SET_META_CONTEXT } = OPTION;
  const context = encodeMetaContext(1, ALLOCATION_CONTEXT);
  answer(encodeOptionReply(SET_META_CONTEXT, OPTION_REPLY.META_CONTEXT, context));
  answer(encodeOptionReply(SET_META_CONTEXT, OPTION_REPLY.ACK));
  return Buffer.alloc(0);
}

/** A client that does not know that the export is read-only; the service refuses, and nobody minds. */
function marking(client: NbdClient): NbdClient {
  let isMarked = !client.info.isReadOnly;
  return withMethods(client, {
    async read(offset, length, signal) {
      if (!isMarked) {
        isMarked = true;
        const { info } = client;
        Object.assign(info, { isReadOnly: false });
        await client.write(0, Buffer.alloc(512)).catch(() => undefined);
        Object.assign(info, { isReadOnly: true });
      }
      return client.read(offset, length, signal);
    },
  });
}

function withOneMore(header: Buffer): Buffer {
  if (commandOf(header) !== COMMAND.DISC) return header;
  return Buffer.concat([header, encodeRequest(COMMAND.READ, 0, 0xffff, 0, 512)]);
}

/** Beside the connections that it needs it keeps twenty that it does not. */
function flooding(inner: typeof connectNbd): typeof connectNbd {
  return async (options, clock) => {
    const client = await inner(options, clock);
    const idle = await Promise.all(
      Array.from({ length: 20 }, () => inner({ ...options, connections: 1 }, clock)),
    );
    const close = async (): Promise<void> => {
      await Promise.all([client, ...idle].map((one) => one.close()));
    };
    return withMethods(client, { close, [Symbol.asyncDispose]: close });
  };
}

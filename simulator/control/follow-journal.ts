import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Journal, toJsonLine } from '../../src/kernel/journal.ts';

/** A follower that reads slower than things happen loses its connection, not the simulator its memory. */
const MOST_PENDING_BYTES = 8 * 2 ** 20;

/** Sends the entries from number `from` on, then every later one until the client goes. */
export function followJournal(journal: Journal, from: number, reply: FastifyReply): FastifyReply {
  reply.hijack();
  const { raw } = reply;
  // At once: a follower may wait long for the first entry, and must know that it is being served.
  raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
  raw.flushHeaders();
  const lines = new PassThrough();
  lines.pipe(raw);
  for (const entry of journal.entries) if (entry.n >= from) lines.write(toJsonLine(entry));
  const unwatch = journal.watch((entry) => {
    if (entry.n < from) return;
    lines.write(toJsonLine(entry));
    if (lines.readableLength + lines.writableLength > MOST_PENDING_BYTES) raw.destroy();
  });
  raw.once('close', () => {
    unwatch();
    lines.destroy();
  });
  return reply;
}

import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { type Journal, toJsonLine } from '../../src/kernel/journal.ts';

/** A follower that reads slower than things happen loses its connection, not the simulator its memory. */
const MOST_PENDING_BYTES = 8 * 2 ** 20;

/** Sends the entries from number `from` on, then every later one until the client goes. */
export function followJournal(journal: Journal, from: number, reply: FastifyReply): FastifyReply {
  let unwatch = (): void => undefined;
  const lines = new Readable({ read() {}, destroy: (error, done) => (unwatch(), done(error)) });
  for (const entry of journal.entries) if (entry.n >= from) lines.push(toJsonLine(entry));
  unwatch = journal.watch((entry) => {
    if (entry.n < from) return;
    lines.push(toJsonLine(entry));
    if (lines.readableLength > MOST_PENDING_BYTES) lines.destroy(new Error('the follower is too slow'));
  });
  return reply.type('application/x-ndjson').send(lines);
}

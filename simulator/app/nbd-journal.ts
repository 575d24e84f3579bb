/**
 * Writes what NBD connections do into the journal of the world they belong to.
 *
 * On an address that several worlds share, a connection's world shows only when it names an export. Until then its
 * entries wait. Connections are numbered per world, so that one world's journal does not depend on another's traffic.
 */
import { commandName } from '../../src/nbd/wire/constants.ts';
import type { Journal, JournalEvent } from '../../src/kernel/journal.ts';
import type { NbdObserver } from '../nbd/nbd-observer.ts';

/** A world as the data plane's journal needs it. */
export interface NbdWitness {
  readonly journal: Journal;
  /** Number of the next connection in this world, from 1. */
  nextConnection(): number;
}

/** What the connections of the process add up to. */
export interface NbdTotals {
  opened: number;
  closed: number;
  requests: number;
  bytes: number;
}

type NbdEvent = Extract<JournalEvent, { connection: number }>;

/** The observer of one connection. `find` says whose an export is. */
export function observeConnection(options: {
  /** The world, where the address alone tells. */
  readonly witness: NbdWitness | undefined;
  /** Who gets the entries of a connection that never named an export. */
  readonly fallback: NbdWitness | undefined;
  find(exportName: string): NbdWitness | undefined;
  readonly totals: NbdTotals;
}): NbdObserver & { readonly numberNow: () => number } {
  const { totals } = options;
  let known = options.witness;
  let number = known?.nextConnection() ?? 0;
  let waiting: NbdEvent[] = [];
  const settle = (witness: NbdWitness | undefined): void => {
    if (known !== undefined || witness === undefined) return;
    known = witness;
    number = witness.nextConnection();
    for (const event of waiting) witness.journal.append({ ...event, connection: number });
    waiting = [];
  };
  const note = (event: NbdEvent): void => {
    if (known === undefined) waiting.push(event);
    else known.journal.append(event);
  };
  return {
    /** Of the connection in its world; 0 until that is known. */
    numberNow: () => number,
    opened(_connection, address) {
      totals.opened++;
      note({ type: 'nbd.open', connection: number, address });
    },
    option(_connection, option, reply, exportName, isTls) {
      if (exportName !== undefined) settle(options.find(exportName));
      const about = exportName === undefined ? {} : { export: exportName };
      note({ type: 'nbd.option', connection: number, option, reply, ...about, isTls });
    },
    request(_connection, request, command, flags, offset, length) {
      totals.requests++;
      note({
        type: 'nbd.request',
        connection: number,
        request,
        command: commandName(command),
        flags,
        offset,
        length,
      });
    },
    reply(_connection, request, error, bytes) {
      totals.bytes += bytes;
      note({ type: 'nbd.reply', connection: number, request, error, bytes });
    },
    closed(_connection, why) {
      totals.closed++;
      settle(options.fallback);
      note({ type: 'nbd.close', connection: number, why });
    },
  };
}

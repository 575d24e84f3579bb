/**
 * The journal: everything that happened in one world, in one order, as data.
 *
 * Rules, oracles, timelines and replay read nothing else of a world. An entry is appended at the moment of the
 * effect; it is never changed. Secrets, ciphertexts and certificates never get in, so the same seed gives the same
 * bytes.
 */
import { createHash } from 'node:crypto';

/** Version of the entries' shape (`journal.schema.json`); raised on every change that an older reader would misread. */
export const JOURNAL_VERSION = 1;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What happened. `type` is stable vocabulary; the other fields belong to it. */
export type JournalEvent =
  | { type: 'world.created'; version: typeof JOURNAL_VERSION; seed: string; preset: string }
  | { type: 'clock.moved'; fromMs: number; toMs: number; by: 'advance' | 'mode'; mode?: string }
  | {
      type: 'rest.request';
      /** Number of the REST call in this world, from 1; the reply carries the same. */
      call: number;
      /** Name of the operation in the contract, `unknown` where no route matched. */
      operation: string;
      method: string;
      /** Path without query. */
      path: string;
      query: Readonly<Record<string, Json>>;
      body?: Json;
      /** Access key id or user name; `anonymous` before login. */
      actor: string;
      /** X-Client-Token, when sent. */
      clientToken?: string;
    }
  | {
      type: 'rest.reply';
      call: number;
      operation: string;
      status: number;
      /** `code` (V1) or `errcode` (V2) of the envelope. */
      code: number | string;
      message: string;
      /** The answer's data with secrets taken out; left out when it is long. */
      data?: Json;
      /** The client never saw this reply. */
      isLost?: true;
    }
  | {
      type: 'task';
      task: string;
      action: string;
      status: 'waiting' | 'doing' | 'finish' | 'failure' | 'canceled';
      progress: number;
      server?: string;
      object?: string;
      description?: string;
    }
  | {
      type: 'state';
      entity:
        | 'server'
        | 'snapshot'
        | 'cbt'
        | 'backup-resource'
        | 'disk'
        | 'hot-added-disk'
        | 'host'
        | 'datastore'
        | 'token';
      id: string;
      /** Absent when the entity comes into being. */
      from?: string;
      /** `deleted` when it ceases to be. */
      to: string;
      server?: string;
      why?: string;
      detail?: Json;
    }
  | {
      type: 'guest.write';
      server: string;
      device: string;
      kind: 'data' | 'zero' | 'trim';
      offset: number;
      length: number;
    }
  | {
      /** What the guest's kernel of a server with hot-added disks shows or does not show any more. */
      type: 'guest.device';
      server: string;
      /** Name in the guest: `vdb`. */
      device: string;
      change: 'appears' | 'vanishes';
      /** Id of the hot-added disk. */
      disk: string;
      serial: string;
      why?: string;
    }
  | {
      /** A request of a program in the guest to a hot-added device, when it is answered. */
      type: 'guest.io';
      server: string;
      device: string;
      disk: string;
      /** `READ`, `WRITE`, `WRITE_ZEROES`, `TRIM`, `FLUSH`, `BLOCK_STATUS`. */
      command: string;
      offset: number;
      length: number;
      /** An errno of NBD; 0 is success. */
      error: number;
    }
  | { type: 'nbd.open'; connection: number; address: string }
  | {
      type: 'nbd.option';
      connection: number;
      option: string;
      /** Name of the final reply: `ACK`, `ERR_UNKNOWN`, ... */
      reply: string;
      export?: string;
      isTls: boolean;
    }
  | {
      type: 'nbd.request';
      connection: number;
      /** Number of the request on its connection, from 1; the reply carries the same. */
      request: number;
      command: string;
      flags: number;
      offset: number;
      length: number;
    }
  | { type: 'nbd.reply'; connection: number; request: number; error: number; bytes: number }
  | { type: 'nbd.close'; connection: number; why: string }
  | { type: 'fault.fired'; fault: string; kind: string; at: string; count: number }
  | {
      /** The harness gives an engine a job, or learns how it ended. */
      type: 'job';
      engine: string;
      /** Number of the job in this world, from 1; its end carries the same. */
      job: number;
      operation: 'backup' | 'restore' | 'cleanup' | 'unprotect';
      phase: 'begins' | 'succeeds' | 'fails' | 'killed';
      /** Name under which the engine logs in: user name or access key id. */
      actor?: string;
      transport?: string;
      /** Id of the server that is backed up, or that a restore writes; of a new one, known when it succeeds. */
      server?: string;
      /** Restore point: made by a backup, when it succeeds; read by a restore, from the beginning. */
      point?: string;
      /** What a backup turned out to be. */
      mode?: 'full' | 'incremental';
      error?: string;
    }
  | {
      /** The harness has held a restore point, or a restored server, against what it has to hold. */
      type: 'compared';
      what: 'point' | 'server';
      point: string;
      /** Id of the server, of which the point is or which was restored. */
      server?: string;
      bytes: number;
      /** Bytes in sectors that are wrong; 0 is right. */
      differences: number;
    };

export type JournalEntry = JournalEvent & {
  /** Position in the world's journal, from 0, without gaps. */
  readonly n: number;
  /** Instant of the world's clock, ms since the epoch. */
  readonly t: number;
};

export interface JournalOptions {
  now: () => number;
  /** Entries kept in memory; the oldest go first. Unlimited when absent. */
  capacity?: number;
}

/** Hashing line by line costs more for the calls than for the bytes. */
const LINES_AT_ONCE = 256;

export class Journal {
  readonly #now: () => number;
  readonly #capacity: number;
  #entries: JournalEntry[] = [];
  #next = 0;
  readonly #watchers = new Set<(entry: JournalEntry) => void>();

  constructor(options: JournalOptions) {
    this.#now = options.now;
    this.#capacity = options.capacity ?? Number.POSITIVE_INFINITY;
  }

  append(event: JournalEvent): JournalEntry {
    const entry: JournalEntry = { n: this.#next++, t: this.#now(), ...event };
    this.#entries.push(entry);
    // Cut in halves, so that a full journal costs one copy per capacity/2 entries.
    if (this.#entries.length > this.#capacity)
      this.#entries = this.#entries.slice(-Math.ceil(this.#capacity / 2));
    for (const watch of this.#watchers) watch(entry);
    return entry;
  }

  /** The entries kept, oldest first. A live view: do not hold it across an `append`. */
  get entries(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** Number of entries ever appended. */
  get length(): number {
    return this.#next;
  }

  /** Calls `watcher` synchronously with every later entry. Returns the way to stop. */
  watch(watcher: (entry: JournalEntry) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** SHA-256 over the JSON lines, lower-case hex. Equal for equal runs. */
  hash(): string {
    const hash = createHash('sha256');
    for (let at = 0; at < this.#entries.length; at += LINES_AT_ONCE)
      hash.update(
        this.#entries
          .slice(at, at + LINES_AT_ONCE)
          .map(toJsonLine)
          .join(''),
      );
    return hash.digest('hex');
  }
}

/** One line of JSON, ended by a newline. */
export function toJsonLine(entry: JournalEntry): string {
  return `${JSON.stringify(entry)}\n`;
}

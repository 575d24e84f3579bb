/**
 * Eras of a run: stretches in which nothing changes, neither on the platform nor in the repository. An engine that dies
 * takes its memory along, so that two deaths in one era leave the same world behind.
 */
import type { JournalEntry } from '../../src/kernel/journal.ts';

/** What is left of locks and tasks changes with time too; they last a minute and more. */
const LONGEST_MS = 1000;

/** Requests over a data path that change nothing. */
const READS: readonly string[] = ['READ', 'BLOCK_STATUS'];

export const readsOnly = (command: string): boolean => READS.includes(command);

export class Eras {
  readonly #nowMs: () => number;
  #era = 0;
  #begunMs = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Number of the era that it is now. */
  get now(): number {
    if (this.#nowMs() - this.#begunMs >= LONGEST_MS) this.end();
    return this.#era;
  }

  /** Something changes. */
  end(): void {
    this.#era++;
    this.#begunMs = this.#nowMs();
  }

  /** Whether the entry tells of a change that is there already when it is written. */
  static isChange(entry: JournalEntry): boolean {
    switch (entry.type) {
      case 'rest.request':
      case 'rest.reply':
      case 'nbd.request':
      case 'nbd.reply':
      case 'compared':
        return false;
      case 'guest.io':
        return !readsOnly(entry.command);
      default:
        return true;
    }
  }
}

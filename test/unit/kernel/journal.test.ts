import { describe, expect, it } from 'vitest';
import { Journal, type JournalEvent } from '../../../src/kernel/journal.ts';

const close = (connection: number): JournalEvent => ({ type: 'nbd.close', connection, why: 'disc' });

describe('Journal', () => {
  it('numbers and stamps entries in the order of their appending', () => {
    let now = 10;
    const journal = new Journal({ now: () => now });
    journal.append(close(1));
    now = 20;
    journal.append(close(2));
    expect(journal.entries.map(({ n, t }) => [n, t])).toEqual([
      [0, 10],
      [1, 20],
    ]);
  });

  it('has equal hashes for equal runs and other hashes for anything else', () => {
    const record = (...connections: number[]): string => {
      const journal = new Journal({ now: () => 5 });
      for (const connection of connections) journal.append(close(connection));
      return journal.hash();
    };
    expect(record(1, 2)).toBe(record(1, 2));
    expect(record(1, 2)).not.toBe(record(2, 1));
  });

  it('drops the oldest entries beyond its capacity and keeps counting', () => {
    const journal = new Journal({ now: () => 0, capacity: 10 });
    for (let at = 0; at < 100; at++) journal.append(close(at));
    expect(journal.length).toBe(100);
    expect(journal.entries.length).toBeLessThanOrEqual(10);
    expect(journal.entries.at(-1)?.n).toBe(99);
  });

  it('tells watchers until they stop', () => {
    const journal = new Journal({ now: () => 0 });
    const seen: number[] = [];
    const stop = journal.watch((entry) => seen.push(entry.n));
    journal.append(close(1));
    stop();
    journal.append(close(2));
    expect(seen).toEqual([0]);
  });
});

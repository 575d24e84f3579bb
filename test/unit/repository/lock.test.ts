import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { FaultyStorage } from '../../../src/repository/faulty-storage.ts';
import { liveOwners, raiseLock } from '../../../src/repository/lock.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { START_MS } from './test-repository.ts';

const LEASE_MS = 900_000;

async function raised(storage = new FaultyStorage(new MemoryStorage())) {
  const clock = new VirtualClock(START_MS);
  const lock = await raiseLock({
    storage,
    clock,
    role: 'writer',
    owner: 'abc123',
    leaseMs: LEASE_MS,
    about: null,
  });
  const owners = () => liveOwners(storage, clock, 'writer');
  return { storage, clock, lock, owners };
}

describe('a lock', () => {
  it('is seen until it is lowered, and only in its role', async () => {
    const { storage, clock, lock, owners } = await raised();
    expect(await owners()).toEqual(['abc123']);
    expect(await liveOwners(storage, clock, 'sweeper')).toEqual([]);
    await lock.lower();
    expect(await owners()).toEqual([]);
  });

  it('is over at its expiry, not after it', async () => {
    const { clock, lock, owners } = await raised();
    await clock.advanceBy(LEASE_MS - 1);
    expect([await owners(), lock.isLapsed]).toEqual([['abc123'], false]);
    await clock.advanceBy(1);
    expect([await owners(), lock.isLapsed]).toEqual([[], true]);
  });

  it('is renewed after a third of its lease, not at every call, and counts once', async () => {
    const { storage, clock, lock, owners } = await raised();
    const writes = () => storage.operations.filter(({ kind }) => kind === 'write').length;
    await clock.advanceBy(LEASE_MS / 3 - 1);
    await Promise.all([lock.renewIfDue(), lock.renewIfDue()]);
    expect(writes()).toBe(1);
    await clock.advanceBy(1);
    await Promise.all([lock.renewIfDue(), lock.renewIfDue()]);
    expect(writes()).toBe(2);
    await clock.advanceBy(LEASE_MS - 1);
    expect([await owners(), lock.isLapsed]).toEqual([['abc123'], false]);
    await lock.lower();
    expect(await storage.list('locks')).toEqual([]);
  });

  it('stays lapsed for its owner once it was, even if it asks late', async () => {
    const { clock, lock } = await raised();
    await clock.advanceBy(2 * LEASE_MS);
    await lock.renewIfDue();
    expect(lock.isLapsed).toBe(true);
  });

  it('lapses when it cannot be renewed, without failing the work', async () => {
    const failing = new FaultyStorage(new MemoryStorage(), ({ kind, nth }) =>
      kind === 'write' && nth > 0 ? { action: 'fail', code: 'ENOSPC' } : undefined,
    );
    const { clock, lock } = await raised(failing);
    await clock.advanceBy(LEASE_MS / 2);
    await lock.renewIfDue();
    expect(lock.isLapsed).toBe(false);
    await clock.advanceBy(LEASE_MS / 2);
    expect([lock.isLapsed, failing.fired.length]).toEqual([true, 1]);
  });

  it('ignores files in the folder that are no notes', async () => {
    const { storage, clock } = await raised();
    for (const name of ['readme.txt', 'writer-1-x.json', 'writer-999999999999999-zz.json']) {
      await storage.write(`locks/${name}`, Buffer.from(''));
    }
    expect(await liveOwners(storage, clock, 'writer')).toEqual(['abc123']);
  });
});

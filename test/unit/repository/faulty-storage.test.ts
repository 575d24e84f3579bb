import { describe, expect, it } from 'vitest';
import { FaultyStorage, faultAt, faultAtNth, StorageHalted } from '../../../src/repository/faulty-storage.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { describeStorage } from './storage-contract.ts';

describeStorage('FaultyStorage without a plan', async () => new FaultyStorage(new MemoryStorage()));

const bytes = Buffer.from('0123456789');

describe('FaultyStorage', () => {
  it('lists every operation with its position overall and among its kind', async () => {
    const storage = new FaultyStorage(new MemoryStorage());
    await storage.write('a', bytes);
    await storage.sync('a');
    await storage.write('b', bytes);
    await storage.rename('b', 'c');
    expect(storage.operations).toEqual([
      { n: 0, kind: 'write', nth: 0, path: 'a', bytes: 10 },
      { n: 1, kind: 'sync', nth: 0, path: 'a' },
      { n: 2, kind: 'write', nth: 1, path: 'b', bytes: 10 },
      { n: 3, kind: 'rename', nth: 0, path: 'b', to: 'c' },
    ]);
  });

  it('fails one write with ENOSPC, leaving a part of it, and goes on', async () => {
    const plan = faultAtNth('write', 1, { action: 'fail', code: 'ENOSPC', afterBytes: 4 });
    const storage = new FaultyStorage(new MemoryStorage(), plan);
    await storage.write('a', bytes);
    await expect(storage.write('b', bytes)).rejects.toThrow(/cannot write b: no space left: .*\(ENOSPC\)/);
    await storage.write('c', bytes);
    expect([await storage.size('a'), await storage.size('b'), await storage.size('c')]).toEqual([10, 4, 10]);
    expect(storage.fired.map(({ path }) => path)).toEqual(['b']);
  });

  it('truncates a write without a word', async () => {
    const storage = new FaultyStorage(new MemoryStorage(), faultAt(0, { action: 'truncate', toBytes: 3 }));
    await storage.write('a', bytes);
    expect(await storage.size('a')).toBe(3);
  });

  it('does nothing any more after a halt', async () => {
    const memory = new MemoryStorage();
    const storage = new FaultyStorage(memory, faultAt(1, { action: 'halt' }));
    await storage.write('a', bytes);
    await expect(storage.write('b', bytes)).rejects.toThrow(StorageHalted);
    await expect(storage.remove('a')).rejects.toThrow(StorageHalted);
    expect([await memory.exists('a'), await memory.exists('b')]).toEqual([true, false]);
    expect(storage.fired).toHaveLength(1);
  });

  it('stacks', async () => {
    const inner = new FaultyStorage(
      new MemoryStorage(),
      faultAtNth('write', 0, { action: 'truncate', toBytes: 5 }),
    );
    const outer = new FaultyStorage(inner, faultAtNth('read', 0, { action: 'fail', code: 'EIO' }));
    await outer.write('a', bytes);
    await expect(outer.read('a')).rejects.toThrow(/EIO/);
    expect(await outer.size('a')).toBe(5);
    expect(inner.operations.map(({ kind }) => kind)).toEqual(['write', 'size']);
  });
});

import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { describeStorage } from './storage-contract.ts';

describeStorage('MemoryStorage', async () => new MemoryStorage());

const bytes = (text: string): Uint8Array => Buffer.from(text);
const filesOf = async (storage: MemoryStorage): Promise<Record<string, string>> =>
  Object.fromEntries(
    await Promise.all(
      (await storage.list('f')).map(async (name) => [
        name,
        Buffer.from(await storage.read(`f/${name}`)).toString(),
      ]),
    ),
  );

describe('MemoryStorage.crash', () => {
  it('loses the name of a file whose folder was not synced', async () => {
    const storage = new MemoryStorage();
    await storage.write('f/a', bytes('A'));
    await storage.sync('f/a');
    expect(await filesOf(storage.crash())).toEqual({});
  });

  it('loses the bytes of a file that was not synced and keeps its synced name', async () => {
    const storage = new MemoryStorage();
    await storage.write('f/a', bytes('A'));
    await storage.sync('f');
    expect(await filesOf(storage.crash())).toEqual({ a: '' });
  });

  it('keeps what was synced', async () => {
    const storage = new MemoryStorage();
    await storage.write('f/a', bytes('A'));
    await storage.sync('f/a');
    await storage.sync('f');
    expect(await filesOf(storage.crash())).toEqual({ a: 'A' });
  });

  it('undoes a rename and a removal without a sync of the folder', async () => {
    const storage = new MemoryStorage();
    for (const name of ['a', 'b', 'c']) await storage.write(`f/${name}`, bytes(name));
    for (const name of ['a', 'b', 'c']) await storage.sync(`f/${name}`);
    await storage.sync('f');
    await storage.rename('f/a', 'f/b');
    await storage.remove('f/c');
    expect(await filesOf(storage.crash())).toEqual({ a: 'a', b: 'b', c: 'c' });
    await storage.sync('f');
    expect(await filesOf(storage.crash())).toEqual({ b: 'a' });
  });

  it('tears un-synced bytes to any prefix and keeps or loses names when it is given chance', async () => {
    const storage = new MemoryStorage();
    await storage.write('f/a', bytes('abc'));
    const seen = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      seen.add((await filesOf(storage.crash(createRng(`${seed}`))))['a'] ?? 'absent');
    }
    expect([...seen].sort()).toEqual(['', 'a', 'ab', 'abc', 'absent']);
  });

  it('leaves the crashed storage as it was', async () => {
    const storage = new MemoryStorage();
    await storage.write('f/a', bytes('A'));
    await storage.crash().write('f/b', bytes('B'));
    expect(await filesOf(storage)).toEqual({ a: 'A' });
  });
});

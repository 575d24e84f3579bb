import { describe, expect, it } from 'vitest';
import { type Storage, StorageNotFound } from '../../../src/repository/storage.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = async (storage: Storage, path: string): Promise<string> =>
  Buffer.from(await storage.read(path)).toString();

/** What every `Storage` keeps to, whatever it stands on. `create` gives an empty one. */
export function describeStorage(name: string, create: () => Promise<Storage>): void {
  describe(name, () => {
    it('reads what was written, also after it was replaced by less', async () => {
      const storage = await create();
      await storage.write('a/b/c', bytes('first and long'));
      await storage.write('a/b/c', bytes('second'));
      expect(await textOf(storage, 'a/b/c')).toBe('second');
      expect(await storage.size('a/b/c')).toBe(6);
    });

    it('keeps an empty file', async () => {
      const storage = await create();
      await storage.write('empty', bytes(''));
      expect([await storage.exists('empty'), await storage.size('empty')]).toEqual([true, 0]);
    });

    it('rejects with StorageNotFound where there is no file', async () => {
      const storage = await create();
      await expect(storage.read('x/y')).rejects.toThrow(StorageNotFound);
      await expect(storage.size('x/y')).rejects.toThrow(StorageNotFound);
      await expect(storage.rename('x/y', 'x/z')).rejects.toThrow(StorageNotFound);
      expect(await storage.exists('x/y')).toBe(false);
    });

    it('renames over an existing file and into a new folder', async () => {
      const storage = await create();
      await storage.write('a', bytes('A'));
      await storage.write('b', bytes('B'));
      await storage.rename('a', 'b');
      await storage.rename('b', 'new/folder/c');
      expect(await textOf(storage, 'new/folder/c')).toBe('A');
      expect([await storage.exists('a'), await storage.exists('b')]).toEqual([false, false]);
    });

    it('lists files of all levels sorted and relative, and nothing for a missing folder', async () => {
      const storage = await create();
      for (const path of ['f/b', 'f/a/2', 'f/a/1', 'f/a-b', 'fg/c', 'top'])
        await storage.write(path, bytes(path));
      expect(await storage.list('f')).toEqual(['a-b', 'a/1', 'a/2', 'b']);
      expect(await storage.list('nowhere')).toEqual([]);
    });

    it('removes a file, and does nothing the second time', async () => {
      const storage = await create();
      await storage.write('f/a', bytes('A'));
      await storage.remove('f/a');
      await storage.remove('f/a');
      expect([await storage.exists('f/a'), await storage.list('f')]).toEqual([false, []]);
    });

    it('syncs files and folders', async () => {
      const storage = await create();
      await storage.write('f/a', bytes('A'));
      await storage.sync('f/a');
      await storage.sync('f');
      expect(await textOf(storage, 'f/a')).toBe('A');
    });

    it('does not keep the caller’s buffer', async () => {
      const storage = await create();
      const buffer = Buffer.from('before');
      await storage.write('a', buffer);
      buffer.fill('x');
      expect(await textOf(storage, 'a')).toBe('before');
    });
  });
}

import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { exportDisk } from '../../../src/repository/export-raw.ts';
import { StorageFailure } from '../../../src/repository/storage-failure.ts';
import { createFileSink } from '../../../src/runtime/file-sink.ts';
import { createFolderStorage } from '../../../src/runtime/folder-storage.ts';
import { createPooledCodec } from '../../../src/runtime/pooled-codec.ts';
import { describeStorage } from '../../unit/repository/storage-contract.ts';
import {
  createTestRepository,
  imageOf,
  problemsOf,
  readDisk,
  START_MS,
  writePoint,
} from '../../unit/repository/test-repository.ts';

const folders: string[] = [];

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backlot-repository-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

describeStorage('FolderStorage', async () =>
  createFolderStorage(join(await createFolder(), 'made', 'on first write')),
);

const noise = (length: number, seed: string): Uint8Array => createRng(seed).bytes(length);

describe('FolderStorage', () => {
  it.each([
    '../outside',
    'a/../../outside',
    '/etc/passwd',
    'a//b',
    './a',
    'a/.',
    '',
    '..',
    'a\\..\\b',
    'a\0b',
  ])('refuses the path %j for every operation', async (path) => {
    const folder = await createFolder();
    const storage = createFolderStorage(join(folder, 'inside'));
    const bytes = Buffer.from('x');
    const attempts = [
      storage.write(path, bytes),
      storage.read(path),
      storage.sync(path),
      storage.rename(path, 'a'),
      storage.remove(path),
      storage.exists(path),
      storage.list(path),
      storage.size(path),
    ];
    for (const outcome of await Promise.allSettled(attempts)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { name: 'StorageFailure', code: 'EPATH' },
      });
    }
    await storage.write('fine', bytes);
    await expect(storage.rename('fine', path)).rejects.toThrow(StorageFailure);
    expect(await readdir(folder, { recursive: true })).toEqual(['inside', 'inside/fine']);
  });

  it('names the file and what to do when the disk is full', async () => {
    const folder = await createFolder();
    await symlink('/dev/full', join(folder, 'full'));
    const writing = createFolderStorage(folder).write('full', Buffer.alloc(10));
    await expect(writing).rejects.toMatchObject({ code: 'ENOSPC', path: 'full' });
    await expect(writing).rejects.toThrow(/cannot write full: no space left: free some or prune old points/);
  });

  it('makes a folder again that somebody removed', async () => {
    const folder = await createFolder();
    const storage = createFolderStorage(folder);
    await storage.write('tmp/a', Buffer.from('a'));
    await rm(join(folder, 'tmp'), { recursive: true });
    await storage.write('tmp/b', Buffer.from('b'));
    expect(await storage.list('tmp')).toEqual(['b']);
  });

  it('reports a path through a file as a failure, not as a missing file', async () => {
    const storage = createFolderStorage(await createFolder());
    await storage.write('file', Buffer.from('x'));
    await expect(storage.write('file/below', Buffer.from('x'))).rejects.toThrow(StorageFailure);
  });

  it('keeps a virtual clock still while it works', async () => {
    const clock = new VirtualClock(START_MS);
    const storage = createFolderStorage(await createFolder(), { clock });
    let hasFired = false;
    clock.setTimer(START_MS + 1, () => {
      hasFired = true;
    });
    await clock.run(storage.write('a/b', Buffer.alloc(1000)));
    expect(hasFired).toBe(false);
  });
});

describe.each([
  ['the codec in process', syncCodec],
  ['the codec on the thread pool', createPooledCodec({ parallelism: 2 })],
])('a repository in a folder with %s', (_, codec) => {
  it('writes, reads, verifies and prunes, and another process sees the same', async () => {
    const storage = createFolderStorage(await createFolder());
    const { repository } = createTestRepository({ storage, codec, chunkBytes: 64 * 1024 });
    const sizeBytes = 1_000_001;
    const full = {
      0: noise(300_000, 'a'),
      400_000: Buffer.alloc(200_000, 'text '),
      999_000: noise(1001, 'b'),
    };
    const changes = { 350_000: noise(70_000, 'c'), 10: noise(5, 'd') };
    const base = await writePoint(repository, full, { sizeBytes });
    const point = await writePoint(repository, changes, { base, sizeBytes });
    const expected = imageOf(sizeBytes, changes, imageOf(sizeBytes, full));
    const other = createTestRepository({ storage, codec: syncCodec }).repository;
    expect((await readDisk(other, point)).equals(expected)).toBe(true);
    expect(await problemsOf(other)).toEqual([]);
    await other.prune({ keepLast: 1 });
    expect(await repository.points()).toEqual([point]);
    expect((await readDisk(repository, point)).equals(expected)).toBe(true);
    expect(await problemsOf(repository)).toEqual([]);
  });

  it('finds a byte that was flipped on disk', async () => {
    const folder = await createFolder();
    const { repository } = createTestRepository({ storage: createFolderStorage(folder), codec });
    await writePoint(repository, { 0: Buffer.alloc(900, 'compressible') });
    const [name = ''] = await createFolderStorage(folder).list('chunks');
    const file = join(folder, 'chunks', name);
    const bytes = await readFile(file);
    bytes[40] = (bytes[40] ?? 0) ^ 4;
    await writeFile(file, bytes);
    expect(await problemsOf(repository)).toEqual([expect.stringContaining('does not match its checksum')]);
  });
});

describe('codecs', () => {
  it('agree, so that a repository may be used with either', async () => {
    const pooled = createPooledCodec();
    for (const plain of [noise(5000, 'x'), Buffer.alloc(300_000, 'abc'), Buffer.alloc(0)]) {
      const packed = await pooled.compress(plain);
      expect(Buffer.compare(packed, await syncCodec.compress(plain))).toBe(0);
      expect(Buffer.compare(await pooled.decompress(packed, plain.length), plain)).toBe(0);
      expect(Buffer.compare(await syncCodec.decompress(packed, plain.length), plain)).toBe(0);
      expect(await pooled.hash(plain)).toBe(await syncCodec.hash(plain));
    }
  });

  it('refuse a frame that holds more than it may', async () => {
    const bomb = await syncCodec.compress(Buffer.alloc(10_000_000));
    const pooled = createPooledCodec({ parallelism: 1 });
    await expect(Promise.resolve().then(() => syncCodec.decompress(bomb, 1000))).rejects.toThrow();
    await expect(pooled.decompress(bomb, 1000)).rejects.toThrow();
    expect(await pooled.hash(Buffer.from('still at work'))).toHaveLength(64);
  });
});

describe('an export to a raw file', () => {
  it('has the bytes of the disk and takes no space for its holes', async () => {
    const folder = await createFolder();
    const { repository } = createTestRepository({ chunkBytes: 1024 * 1024 });
    const sizeBytes = 64 * 1024 * 1024 + 512;
    const writes = { 5_000_000: noise(100_000, 'a'), [sizeBytes - 3]: Buffer.from('end') };
    const point = await writePoint(repository, writes, { sizeBytes });
    const file = join(folder, 'disk.raw');
    {
      await using sink = await createFileSink(file);
      await exportDisk(await repository.open(point.id), 'ide0', sink);
    }
    expect((await readFile(file)).equals(imageOf(sizeBytes, writes))).toBe(true);
    expect((await stat(file)).blocks * 512).toBeLessThan(1_000_000);
  });

  it('does not overwrite a file', async () => {
    const file = join(await createFolder(), 'disk.raw');
    await writeFile(file, 'precious');
    await expect(createFileSink(file)).rejects.toThrow(/EEXIST/);
    expect(await readFile(file, 'utf8')).toBe('precious');
  });
});

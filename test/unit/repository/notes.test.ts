import { describe, expect, it } from 'vitest';
import { DamagedDocument } from '../../../src/repository/errors.ts';
import { FaultyStorage } from '../../../src/repository/faulty-storage.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { createTestRepository, writePoint } from './test-repository.ts';

describe('notes', () => {
  it('are read back, replaced, listed and removed', async () => {
    const { repository } = createTestRepository();
    await repository.writeNote('run 1', { snapshot: 'a' });
    await repository.writeNote('run 1', { snapshot: 'b', more: [1, null] });
    await repository.writeNote('run 2', 'text');
    expect(await repository.readNote('run 1')).toEqual({ snapshot: 'b', more: [1, null] });
    expect(await repository.noteKeys()).toEqual(['run 1', 'run 2']);
    await repository.removeNote('run 1');
    await repository.removeNote('run 1');
    expect([await repository.readNote('run 1'), await repository.noteKeys()]).toEqual([undefined, ['run 2']]);
  });

  it.each(['../points/x', '..', 'a/b', 'ä ö?', '%2F', 'CON.json'])('may be called %s', async (key) => {
    const { repository, storage } = createTestRepository();
    await repository.writeNote(key, 1);
    expect([await repository.readNote(key), await repository.noteKeys()]).toEqual([1, [key]]);
    expect(await storage.list('notes')).toHaveLength(1);
  });

  it('survive a power cut as soon as they are written, and stay away once removed', async () => {
    const { repository, storage } = createTestRepository();
    await repository.writeNote('run', { snapshot: 'a' });
    expect(await createTestRepository({ storage: storage.crash() }).repository.readNote('run')).toEqual({
      snapshot: 'a',
    });
    await repository.removeNote('run');
    expect(
      await createTestRepository({ storage: storage.crash() }).repository.readNote('run'),
    ).toBeUndefined();
  });

  it('are old or new, never torn, when the power fails in the middle of a write', async () => {
    const counting = new FaultyStorage(new MemoryStorage());
    await createTestRepository({ storage: counting }).repository.writeNote('run', 'new');
    for (let n = 0; n <= counting.operations.length; n++) {
      const memory = new MemoryStorage();
      await createTestRepository({ storage: memory }).repository.writeNote('run', 'old');
      const faulty = new FaultyStorage(memory, (operation) =>
        operation.n === n ? { action: 'halt' } : undefined,
      );
      await createTestRepository({ storage: faulty })
        .repository.writeNote('run', 'new')
        .catch(() => {});
      const found = await createTestRepository({ storage: memory.crash() }).repository.readNote('run');
      expect(found, `halt at ${n}`).toBe(n === counting.operations.length ? 'new' : 'old');
    }
  });

  it('are not given out damaged', async () => {
    const { repository, storage } = createTestRepository();
    await repository.writeNote('run', { snapshot: 'a' });
    await storage.write(
      'notes/run.json',
      (await storage.read('notes/run.json')).map((byte) => byte ^ 1),
    );
    await expect(repository.readNote('run')).rejects.toThrow(DamagedDocument);
  });

  it('are written although a sweep takes their temporary away', async () => {
    const memory = new MemoryStorage();
    const sweeping = new FaultyStorage(memory, ({ kind, nth, path }) => {
      if (kind === 'rename' && nth === 0) void memory.remove(path);
      return undefined;
    });
    await createTestRepository({ storage: sweeping }).repository.writeNote('run', 1);
    expect(await createTestRepository({ storage: memory }).repository.readNote('run')).toBe(1);
  });

  it('stay when points are pruned', async () => {
    const { repository } = createTestRepository();
    await repository.writeNote('run', 1);
    await writePoint(repository, { 0: Buffer.from('x') });
    await repository.prune({ keepLast: 1 });
    expect(await repository.readNote('run')).toBe(1);
  });
});

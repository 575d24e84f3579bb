import { expect, it } from 'vitest';
import { type Around, DiskWithin } from '../../../src/engine/disk-within.ts';
import type { OpenDisk } from '../../../src/engine/proxy-agent.ts';
import { DISK_INFO } from './disk-info.ts';

/** A disk that says what is asked of it. */
function telling(told: string[]): OpenDisk {
  return {
    info: DISK_INFO,
    reconnects: 3,
    read: async (offset, length) => {
      told.push(`read ${offset} ${length}`);
      return Buffer.from([7]);
    },
    write: async (offset) => void told.push(`write ${offset}`),
    writeZeroes: async (offset, length) => void told.push(`writeZeroes ${offset} ${length}`),
    flush: async () => void told.push('flush'),
    blockStatus: async (context, offset, length) => {
      told.push(`blockStatus ${context} ${offset} ${length}`);
      return [];
    },
    close: async () => void told.push('close'),
  };
}

it('what is around a disk is around each of its operations, and the disk does them', async () => {
  const told: string[] = [];
  const around: Around = async (work) => {
    told.push('(');
    try {
      return await work();
    } finally {
      told.push(')');
    }
  };
  const disk = new DiskWithin(telling(told), around);
  expect([...(await disk.read(1, 2))]).toEqual([7]);
  await disk.write(3, Buffer.alloc(1));
  await disk.writeZeroes(4, 5);
  await disk.flush();
  await disk.blockStatus('base:allocation', 6, 7);
  await disk.close();
  expect(told.join(' ')).toBe(
    '( read 1 2 ) ( write 3 ) ( writeZeroes 4 5 ) ( flush ) ( blockStatus base:allocation 6 7 ) ( close )',
  );
});

it('a disk within something has the description that it is given, else its own, and its own reconnects', () => {
  const as = (info?: OpenDisk['info']) => new DiskWithin(telling([]), (work) => work(), info);
  expect(as({ ...DISK_INFO, sizeBytes: 4000 }).info.sizeBytes).toBe(4000);
  expect(as().info).toBe(DISK_INFO);
  expect(as().reconnects).toBe(3);
});

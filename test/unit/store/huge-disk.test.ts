import { describe, expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import { DISK, SERVER, emptyDisk, finish, serverSpec, smallWorld } from '../domain/small-world.ts';

const TIB = 2 ** 40;
const GRAIN = 65_536;
const CHANGES = 1_000_000;

describe('a disk of 64 TiB with a million scattered changes', () => {
  it('reports every one of them, in pages, at the cost of their runs', { timeout: 180_000 }, async () => {
    const small = smallWorld([serverSpec({ disks: [emptyDisk(DISK, 64 * TIB, { isCbtEnabled: true })] })], {
      settings: { mergeBytesPerSecond: 0 },
    });
    const { world } = small;
    const before = world.snapshots.create(SERVER, { name: 'before', description: '' }, 'test');
    await finish(small, before);
    const rng = createRng('huge');
    const written = new Set<number>();
    while (written.size < CHANGES) {
      const block = rng.int(0, (64 * TIB) / GRAIN - 1);
      written.add(block);
      world.guest.writeSynthetic(SERVER, DISK, block, 1);
    }
    const after = world.snapshots.create(SERVER, { name: 'after', description: '' }, 'test');
    await finish(small, after);

    const { checkpointId } = world.snapshots.get(SERVER, before.snapshotId);
    let blocks = 0;
    let wrong = 0;
    let last = -1;
    let pages = 0;
    let most = 0;
    for (let at = 0; at < 64 * TIB; ) {
      const page = world.cbt.changedAreas(SERVER, {
        deviceId: DISK,
        snapshotId: after.snapshotId,
        checkpointId,
        startOffset: at,
      });
      for (const area of page.areas) {
        if (area.start <= last) wrong++;
        for (let block = area.start / GRAIN; block < (area.start + area.length) / GRAIN; block++, blocks++)
          if (!written.has(block)) wrong++;
        last = area.start;
      }
      most = Math.max(most, page.areas.length);
      pages++;
      at += page.length;
    }
    expect(blocks).toBe(CHANGES);
    expect(wrong).toBe(0);
    expect(most).toBe(4096);
    // 15,600 changes lie in each TiB, so the limit of areas makes four pages of it.
    expect(pages).toBeGreaterThan(200);
    expect(pages).toBeLessThan(400);
    expect(world.servers.get(SERVER).disks[0]?.allocatedBytes).toBe(CHANGES * GRAIN);
  });
});

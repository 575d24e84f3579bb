import { describe, expect, test } from 'vitest';
import { ExtentList } from '../../../src/nbd/client/extent-list.ts';
import { Permits } from '../../../src/nbd/client/permits.ts';
import { RangeCover } from '../../../src/nbd/client/range-cover.ts';
import { alignOutward, splitRange } from '../../../src/nbd/client/split-range.ts';
import { listContexts, selectContexts } from '../../../simulator/nbd/meta-contexts.ts';

test('a cover is whole when pieces in any order leave no gap', () => {
  const cover = new RangeCover(10, 30);
  expect(cover.add(20, 10)).toBe(true);
  expect(cover.add(10, 5)).toBe(true);
  expect(cover.add(30, 10)).toBe(true);
  expect(cover.isWhole).toBe(false);
  expect(cover.add(14, 2)).toBe(false);
  expect(cover.add(15, 5)).toBe(true);
  expect(cover.isWhole).toBe(true);
});

test('ranges are split at the multiples of the piece', () => {
  expect(splitRange(5, 20, 10)).toEqual([
    { offset: 5, length: 5 },
    { offset: 10, length: 10 },
    { offset: 20, length: 5 },
  ]);
  expect(splitRange(5, 0, 10)).toEqual([]);
});

test('ranges are aligned outward', () => {
  expect(alignOutward(5, 10, 4)).toEqual({ offset: 4, length: 12 });
  expect(alignOutward(8, 8, 4)).toEqual({ offset: 8, length: 8 });
});

test('extents of equal flags are merged beyond 32 bits', () => {
  const list = new ExtentList(0, 2 ** 34);
  for (let at = 0; at < 4; at++) list.append([{ length: 2 ** 32 - 1, flags: 3 }]);
  list.append([{ length: 100, flags: 0 }]);
  expect(list.toArray()).toEqual([
    { offset: 0, length: 4 * (2 ** 32 - 1), flags: 3 },
    { offset: 4 * (2 ** 32 - 1), length: 4, flags: 0 },
  ]);
  expect(list.missingBytes).toBe(0);
});

describe('permits', () => {
  test('are given in the order of asking', async () => {
    const permits = new Permits(1);
    const order: string[] = [];
    await permits.acquire();
    const waiting = ['a', 'b'].map((name) => permits.acquire().then(() => order.push(name)));
    permits.release();
    permits.release();
    await Promise.all(waiting);
    expect(order).toEqual(['a', 'b']);
  });

  test('are not lost with somebody who leaves', async () => {
    const permits = new Permits(1);
    await permits.acquire();
    const controller = new AbortController();
    const left = permits.acquire(controller.signal);
    const stays = permits.acquire();
    controller.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    permits.release();
    await stays;
  });
});

describe('meta contexts', () => {
  const available = ['base:allocation', 'qemu:dirty-bitmap:1', 'qemu:dirty-bitmap:2'];

  test('are listed by wildcard', () => {
    expect(listContexts(available, [])).toEqual(available);
    expect(listContexts(available, ['qemu:'])).toEqual(available.slice(1));
    expect(listContexts(available, ['qemu:dirty-bitmap:2', 'base:'])).toEqual([available[0], available[2]]);
    expect(listContexts(available, ['qemu'])).toEqual([]);
  });

  test('are selected by name only, in the order of the queries', () => {
    expect(
      selectContexts(available, ['qemu:', 'qemu:dirty-bitmap:2', 'base:allocation', 'qemu:dirty-bitmap:2']),
    ).toEqual(['qemu:dirty-bitmap:2', 'base:allocation']);
  });
});

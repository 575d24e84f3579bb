import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../../simulator/fault/fault-api.ts';
import { type AreaPage, canSpoil, spoilPage } from '../../../simulator/fault/page-faults.ts';

const GRAIN = 10;
const page = (start_offset: number, length: number, ...areas: [number, number][]): AreaPage => ({
  start_offset,
  length,
  changed_area: areas.map(([start, size]) => ({ start, length: size })),
});

const spoil = (kind: FaultKind['kind'], what: AreaPage, before?: AreaPage): AreaPage | undefined => {
  const fault = { kind } as FaultKind;
  const context = { grainBytes: GRAIN, before };
  return canSpoil(fault, what, context) ? spoilPage(fault, what, context) : undefined;
};

describe('a page of changed areas', () => {
  it('is given once more when it is repeated, from the second on', () => {
    const first = page(0, 100, [0, 10]);
    const second = page(100, 100, [110, 20]);
    expect(spoil('cbt-page-repeated', first)).toBeUndefined();
    expect(spoil('cbt-page-repeated', first, second)).toBeUndefined();
    expect(spoil('cbt-page-repeated', second, first)).toEqual(first);
  });

  it.each([
    [page(100, 100, [100, 80], [190, 10]), page(100, 50, [100, 50])],
    [page(0, 30, [10, 20]), page(0, 10)],
    [page(0, 11, [0, 11]), page(0, 10, [0, 10])],
    [page(0, 10, [0, 10]), undefined],
    [page(50, 0), undefined],
  ])('covers half as many bytes, in whole blocks, when it is cut: %j', (whole, cut) => {
    expect(spoil('cbt-page-cut', whole)).toEqual(cut);
  });

  it.each([
    [page(0, 100, [0, 20], [50, 30]), page(0, 100, [0, 20], [50, 20])],
    [page(0, 100, [0, 20], [50, 10]), page(0, 100, [0, 20])],
    [page(0, 100, [90, 13]), page(0, 100, [90, 10])],
    [page(0, 100), undefined],
  ])('lacks the last block of its last area when it misses one: %j', (whole, lacking) => {
    expect(spoil('cbt-misses-block', whole)).toEqual(lacking);
  });
});

import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatLocal,
  formatLocalMicros,
  formatUtc,
  formatWithOffset,
  parseTimestamp,
} from '../../../src/contract/timestamps.ts';

const MS = Date.UTC(2026, 1, 3, 4, 5, 6) + 78;

describe('timestamps', () => {
  it('have the shape of each place they stand in', () => {
    expect(formatUtc(MS)).toBe('2026-02-03T04:05:06Z');
    expect(formatWithOffset(MS)).toBe('2026-02-03T12:05:06+08:00');
    expect(formatLocal(MS)).toBe('2026-02-03T12:05:06');
    expect(formatLocalMicros(MS)).toBe('2026-02-03T12:05:06.078000');
  });

  it('agree with the calendar of the machine on every second between 1900 and 2200', () => {
    const seconds = integer({ min: -2_208_988_800, max: 7_258_118_400 });
    assert(
      property(seconds, (second) => {
        expect(formatUtc(second * 1000)).toBe(new Date(second * 1000).toISOString().replace('.000', ''));
      }),
    );
  });

  it.each([
    ['2026-02-03T04:05:06Z'],
    ['2026-02-03T12:05:06+08:00'],
    ['2026-02-03T12:05:06'],
    ['2026-02-03 12:05:06'],
    ['2026-02-02T23:05:06-05:00'],
  ])('reads %s as the same instant', (value) => {
    expect(parseTimestamp(value)).toBe(MS - 78);
  });

  it('reads what it writes, to the millisecond where there are decimals', () => {
    expect(parseTimestamp(formatLocalMicros(MS))).toBe(MS);
    expect(parseTimestamp(formatUtc(MS))).toBe(MS - 78);
  });

  it.each(['', 'now', '2026-02-03', '2026-13-03T00:00:00Z', '2026-02-03T04:05:06+8'])(
    'reads nothing from %o',
    (value) => {
      expect(parseTimestamp(value)).toBeUndefined();
    },
  );
});

import { describe, expect, it } from 'vitest';
import { parseClockMode, scaleOf } from '../../../simulator/control/clock-mode.ts';

describe('parseClockMode', () => {
  it.each([
    ['real', 1],
    ['virtual', 0],
    ['manual', 0],
    ['x60', 60],
    ['x0.5', 0.5],
    ['x100000', 100_000],
  ] as const)('reads %s, at scale %d', (text, scale) => {
    const mode = parseClockMode(text);
    expect(mode === undefined ? undefined : scaleOf(mode)).toBe(scale);
  });

  it.each(['', 'x', 'x0', 'x-1', 'x1e9', 'x100001', 'xNaN', '60', 'REAL', 'x5 '])('refuses %j', (text) => {
    expect(parseClockMode(text)).toBeUndefined();
  });
});

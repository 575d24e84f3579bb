/**
 * How a served world's time goes:
 *
 * - `real`: with the wall.
 * - `xN`: N times as fast as the wall, also below 1 (`x0.5`).
 * - `manual`: it stands still, and moves only through the control interface.
 * - `virtual`: it stands still like `manual`, except that it jumps to the end of running tasks whenever nothing is in
 *   flight. A client that polls a task never waits; leases and tokens run down only by those jumps and by advances.
 */
export type ClockMode = 'real' | 'virtual' | 'manual' | `x${number}`;

export const CLOCK_MODE_HELP = 'real, virtual, manual, or x and a number such as x60';

/** Faster than this, a timer's own delay on the wall would be more than a minute of the world's time. */
const GREATEST_SCALE = 100_000;

/** `undefined` when the text names no mode. */
export function parseClockMode(text: string): ClockMode | undefined {
  if (text === 'real' || text === 'virtual' || text === 'manual') return text;
  const scale = /^x(\d+(?:\.\d+)?)$/.exec(text)?.[1];
  if (scale === undefined || Number(scale) <= 0 || Number(scale) > GREATEST_SCALE) return undefined;
  return `x${Number(scale)}`;
}

/** Milliseconds of the world per millisecond of the wall. */
export function scaleOf(mode: ClockMode): number {
  if (mode === 'real') return 1;
  return mode === 'virtual' || mode === 'manual' ? 0 : Number(mode.slice(1));
}

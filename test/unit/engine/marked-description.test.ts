import { expect, it } from 'vitest';
import { markedDescription } from '../../../src/engine/new-server.ts';

it.each([
  ['', '[restored by backlot, run 0a1b]'],
  ['the shop', 'the shop [restored by backlot, run 0a1b]'],
  ['the shop [restored by backlot, run ffff]', 'the shop [restored by backlot, run 0a1b]'],
])('the description %j is marked with the run, once', (before, after) => {
  expect(markedDescription(before, 'backlot', '0a1b')).toBe(after);
});

it('a long description makes room for the mark', () => {
  const marked = markedDescription('x'.repeat(300), 'backlot', '0a1b');
  expect(marked).toHaveLength(100);
  expect(marked).toMatch(/^x+ \[restored by backlot, run 0a1b\]$/);
});

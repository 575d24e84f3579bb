import { expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';

it('hex digits are those of the generator, eight of each number', () => {
  const numbers = createRng('ids');
  const expected = Array.from({ length: 3 }, () => numbers.u32().toString(16).padStart(8, '0')).join('');
  expect(createIdSource(createRng('ids')).hex(24)).toBe(expected);
  expect(createIdSource(createRng('ids')).hex(21)).toBe(expected.slice(0, 21));
});

it('small numbers keep their zeros', () => {
  const rng = { ...createRng('any'), u32: () => 0x0a000b0c };
  expect(createIdSource(rng).hex(8)).toBe('0a000b0c');
});

import { expect, it } from 'vitest';
import { isAtLeast } from '../../../simulator/domain/pool-version.ts';

it.each([
  ['6.11.1', true],
  ['6.11.0', false],
  ['6.11', false],
  ['6.11.10', true],
  ['6.12', true],
  ['6.2.9', false],
  ['7.0.0', true],
  ['5.99.99', false],
  ['6.11.1-R2', true],
  ['', false],
])('a pool of version %j is at least 6.11.1: %s', (version, isNewEnough) => {
  expect(isAtLeast(version, [6, 11, 1])).toBe(isNewEnough);
});

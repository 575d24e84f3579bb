import { expect, it } from 'vitest';
import { resolveSettings } from '../../../src/engine/settings.ts';

it('renews at most every third of the lock time', () => {
  expect(resolveSettings({}).renewEverySeconds).toBe(90);
  expect(resolveSettings({ lockTimeSeconds: 60 }).renewEverySeconds).toBe(20);
  expect(resolveSettings({ lockTimeSeconds: 600, renewEverySeconds: 1000 }).renewEverySeconds).toBe(200);
});

it.each([
  { lockTimeSeconds: 59 },
  { lockTimeSeconds: 7201 },
  { lockTimeSeconds: Number.NaN },
  { nbdPort: 0 },
  { connections: 0 },
  { maxConnectionsPerHost: 0 },
  { maxConnectionsPerHost: 129 },
  { readBytes: 100 },
  { tag: 'with space' },
])('refuses %j', (options) => {
  expect(() => resolveSettings(options)).toThrow(RangeError);
});

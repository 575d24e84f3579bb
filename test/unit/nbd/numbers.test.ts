import { expect, test } from 'vitest';
import { commandName, optionName, optionReplyName } from '../../../src/nbd/wire/constants.ts';
import { errnoName, errnoOf } from '../../../src/nbd/wire/errno.ts';
import { readU64, writeU64 } from '../../../src/nbd/wire/uint64.ts';

test.each([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 12345, Number.MAX_SAFE_INTEGER])(
  'carries %d in 8 bytes',
  (value) => {
    const bytes = Buffer.alloc(10);
    writeU64(bytes, value, 1);
    expect(bytes.readBigUInt64BE(1)).toBe(BigInt(value));
    expect(readU64(bytes, 1)).toBe(value);
  },
);

test.each([-1, 0.5, 2 ** 53, Number.NaN])('does not write %d', (value) => {
  expect(() => writeU64(Buffer.alloc(8), value, 0)).toThrow(RangeError);
});

test('shows that a number above 2^53 is not exact', () => {
  expect(Number.isSafeInteger(readU64(Buffer.alloc(8, 0xff), 0))).toBe(false);
});

test('names errors, and takes unknown ones for EINVAL', () => {
  expect(errnoName(28)).toBe('ENOSPC');
  expect(errnoName(9999)).toBe('EINVAL');
});

test('finds the number of a thrown error', () => {
  expect(errnoOf(Object.assign(new Error('full'), { code: 'ENOSPC' }))).toBe(28);
  expect(errnoOf(Object.assign(new Error('?'), { code: 'toString' }))).toBe(5);
  expect(errnoOf('thrown text')).toBe(5);
});

test('names what it knows and numbers the rest', () => {
  expect([optionName(7), optionReplyName(0x80000006), commandName(0)]).toEqual(['GO', 'ERR_UNKNOWN', 'READ']);
  expect([optionName(99), commandName(99)]).toEqual(['OPTION_99', 'COMMAND_99']);
});

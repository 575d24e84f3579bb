import { describe, expect, it } from 'vitest';
import {
  bits,
  integer,
  objectId,
  octets,
  sequence,
  tagged,
  text,
  utcTime,
} from '../../../simulator/app/der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('DER', () => {
  it.each([
    [0, '0400'],
    [127, `047f${'00'.repeat(127)}`],
    [128, `048180${'00'.repeat(128)}`],
    [300, `0482012c${'00'.repeat(300)}`],
  ])('writes the length of %d bytes in the shortest form', (length, expected) => {
    expect(hex(octets(Buffer.alloc(length)))).toBe(expected);
  });

  it('puts a zero before an integer whose first bit is set, so that it stays positive', () => {
    expect(hex(integer(Buffer.from([0x80])))).toBe('02020080');
    expect(hex(integer(Buffer.from([0x7f])))).toBe('02017f');
  });

  it('writes the elements of the standard', () => {
    expect(hex(objectId('1.2.840.10045.4.3.2'))).toBe('06082a8648ce3d040302');
    expect(hex(utcTime('2026-02-03T04:05:06Z'))).toBe(`170d${Buffer.from('260203040506Z').toString('hex')}`);
    expect(hex(bits(Buffer.from([0x06]), 1))).toBe('03020106');
    expect(hex(sequence(text('a'), tagged(3, true, text('b'))))).toBe('30080c0161a3030c0162');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/kernel/journal.ts';
import { journalValue } from '../../../src/kernel/journal-value.ts';

/** What is not there needs no hiding. */
const hidden = (key: string, value: unknown): unknown =>
  value !== undefined && (key === 'password' || key === 'output') ? '***' : value;

const { value: anyValue } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    // Around the limit, quotes and letters of several bytes included.
    fc.string({ maxLength: 700, unit: fc.constantFrom('a', '"', 'é', '\n') }),
    fc.integer(),
    fc.constantFrom(null, true, undefined),
    fc.array(tie('value'), { maxLength: 8 }),
    fc.dictionary(fc.constantFrom('id', 'name', 'password', 'output', 'é'), tie('value')),
  ),
}));

/** Many short ones, which come to about the limit. */
const short = fc.constantFrom(1, '', 'abcdefgh', null, undefined, []);
const manyFields = fc
  .array(short, { minLength: 100, maxLength: 260 })
  .map((values) => Object.fromEntries(values.map((value, at) => [`f${at}`, value])));
const manyItems = fc.array(fc.record({ id: short, password: short }), { minLength: 45, maxLength: 110 });

describe('a value on its way to the journal', () => {
  it('is kept if and only if it is below 2 KiB without its secrets', () => {
    fc.assert(
      fc.property(fc.oneof(anyValue, manyFields, manyItems), (content) => {
        const text = JSON.stringify({ content }, hidden);
        const kept = journalValue({ content } as Json);
        const expected = Buffer.byteLength(text) < 2048 ? text : undefined;
        expect(kept === undefined ? undefined : JSON.stringify(kept)).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });
});

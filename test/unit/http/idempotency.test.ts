import { describe, expect, it } from 'vitest';
import { IdempotencyCache } from '../../../simulator/http/idempotency.ts';

const ok = (n: number) => ({ status: 201, body: { code: 0, message: '', data: { n } } });
const MINUTE = 60_000;

describe('a client token', () => {
  it('has its effect once and brings the first answer back', () => {
    const cache = new IdempotencyCache();
    let effects = 0;
    const perform = () => ok(++effects);
    expect(cache.run('t', 'same', 0, perform)).toEqual(ok(1));
    expect(cache.run('t', 'same', 14 * MINUTE, perform)).toEqual(ok(1));
    expect(effects).toBe(1);
  });

  it('is over at the fifteenth minute', () => {
    const cache = new IdempotencyCache();
    cache.run('t', 'same', 0, () => ok(1));
    expect(cache.run('t', 'same', 15 * MINUTE, () => ok(2))).toEqual(ok(2));
  });

  it('for another call is refused', () => {
    const cache = new IdempotencyCache();
    cache.run('t', 'one', 0, () => ok(1));
    expect(() => cache.run('t', 'other', 1, () => ok(2))).toThrow(
      'client token was used for another request',
    );
  });

  it('of a refused call may be used again', () => {
    const cache = new IdempotencyCache();
    expect(cache.run('t', 'one', 0, () => ({ status: 400, body: undefined })).status).toBe(400);
    expect(() =>
      cache.run('t', 'one', 0, () => {
        throw new RangeError('no');
      }),
    ).toThrow('no');
    expect(cache.run('t', 'two', 0, () => ok(3))).toEqual(ok(3));
  });
});

import { describe, expect, it } from 'vitest';
import { checkGeneralLimit, MinuteWindows, PublicKeyLimiter } from '../../../simulator/http/rate-limits.ts';

const MINUTE = 60_000;

describe('the limit of the public-key calls', () => {
  it('is 60 a minute and address', () => {
    const limiter = new PublicKeyLimiter({ perAddress: 60, global: 1000 });
    for (let n = 0; n < 60; n++) limiter.check('a', n);
    expect(() => limiter.check('a', 59_999)).toThrow('call limit');
    limiter.check('b', 59_999);
    limiter.check('a', MINUTE);
  });

  it('bans everybody for a minute once the global limit is passed', () => {
    const limiter = new PublicKeyLimiter({ perAddress: 60, global: 3 });
    for (const address of ['a', 'b', 'c']) limiter.check(address, 0);
    expect(() => limiter.check('d', 1000)).toThrow('Too many public key requests');
    expect(() => limiter.check('e', 1000 + MINUTE - 1)).toThrow('Too many public key requests');
    limiter.check('e', 1000 + MINUTE);
  });
});

describe('the general limit', () => {
  const calls = (method: string, count: number) => {
    const windows = new MinuteWindows();
    for (let n = 0; n < count; n++) checkGeneralLimit(windows, { method, operation: 'x', actor: 'me' }, 0);
    return windows;
  };

  it('is 600 GETs and 100 others, per interface and caller', () => {
    expect(() => calls('GET', 600)).not.toThrow();
    expect(() => calls('GET', 601)).toThrow('call limit');
    const windows = calls('PUT', 100);
    expect(() => checkGeneralLimit(windows, { method: 'PUT', operation: 'x', actor: 'me' }, 1)).toThrow();
    checkGeneralLimit(windows, { method: 'PUT', operation: 'y', actor: 'me' }, 1);
    checkGeneralLimit(windows, { method: 'PUT', operation: 'x', actor: 'you' }, 1);
  });
});

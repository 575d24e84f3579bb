import { describe, expect, it } from 'vitest';
import { type AccessRule, checkAccess } from '../../../simulator/control/access.ts';
import { ApiError } from '../../../src/contract/errors.ts';

const LOOPBACK: AccessRule = { kind: 'loopback' };
const TOKEN: AccessRule = { kind: 'token', token: 'correct' };

function codeOf(check: () => void): string {
  try {
    check();
  } catch (error) {
    if (error instanceof ApiError) return error.code;
    throw error;
  }
  return 'allowed';
}

describe('access to the control interface on loopback', () => {
  it.each(['127.0.0.1:80', '127.3.4.5:9', 'localhost:4480', 'localhost', '[::1]:80'])(
    'allows Host %s',
    (host) => {
      expect(codeOf(() => checkAccess({ host }, LOOPBACK))).toBe('allowed');
    },
  );

  it.each([undefined, '', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil:80', '192.0.2.1:80'])(
    'refuses Host %s, behind which a name may have been rebound',
    (host) => {
      expect(codeOf(() => checkAccess(host === undefined ? {} : { host }, LOOPBACK))).toBe('FORBIDDEN');
    },
  );

  it('refuses pages of other origins, also of this machine, and allows its own', () => {
    const from = (origin: string) => codeOf(() => checkAccess({ host: 'localhost:80', origin }, LOOPBACK));
    expect(from('http://localhost:3000')).toBe('FORBIDDEN');
    expect(from('https://evil.example')).toBe('FORBIDDEN');
    expect(from('null')).toBe('FORBIDDEN');
    expect(from('http://localhost:80')).toBe('allowed');
  });
});

describe('access to the control interface elsewhere', () => {
  it.each([
    ['Bearer correct', 'allowed'],
    ['Bearer wrong', 'UNAUTHENTICATED'],
    ['Bearer correct ', 'UNAUTHENTICATED'],
    ['Bearer ', 'UNAUTHENTICATED'],
    ['Basic correct', 'UNAUTHENTICATED'],
    [undefined, 'UNAUTHENTICATED'],
  ])('answers %j with %s', (authorization, outcome) => {
    const headers = { host: '192.0.2.1', ...(authorization === undefined ? {} : { authorization }) };
    expect(codeOf(() => checkAccess(headers, TOKEN))).toBe(outcome);
  });
});

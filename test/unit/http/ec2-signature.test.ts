import { describe, expect, it } from 'vitest';
import { isSignatureValid, parseEc2Authorization } from '../../../simulator/http/ec2-signature.ts';
import { SIGNING_STYLES, signed } from '../../integration/http/sign.ts';

const keys = { accessKey: 'AK', secretKey: 'SK' };
const request = { method: 'POST', path: '/janus/20180725/servers/x/start', body: '{"a":1}', ...keys };

function verify(
  headers: Record<string, string>,
  change: Partial<{ method: string; path: string; body: string; secretKey: string }> = {},
): boolean {
  const { method, path, body, secretKey } = { ...request, ...change };
  const lower = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const credential = parseEc2Authorization(headers.Authorization ?? '');
  if (credential === undefined) return false;
  const header = (name: string): string | undefined => lower.get(name);
  return isSignatureValid({ method, path, header, body: Buffer.from(body) }, credential, secretKey);
}

describe('an EC2 signature', () => {
  it.each(Object.entries(SIGNING_STYLES))('passes in the style "%s"', (_name, style) => {
    expect(verify(signed(request, style))).toBe(true);
  });

  it.each([
    ['method', { method: 'PUT' }],
    ['path', { path: '/janus/20180725/servers/y/start' }],
    ['body', { body: '{"a":2}' }],
    ['secret key', { secretKey: 'other' }],
  ])('of another %s does not pass', (_what, change) => {
    expect(verify(signed(request), change)).toBe(false);
  });

  it('does not pass when a signed header was changed', () => {
    const headers = signed(request, SIGNING_STYLES['cookie signed']);
    expect(verify({ ...headers, Cookie: 'aCMPAuthToken=ffff' })).toBe(false);
    expect(verify({ ...headers, 'X-Amz-Date': '20270101T000000Z' })).toBe(false);
  });

  it('does not pass without X-Amz-Date', () => {
    const { 'X-Amz-Date': _date, ...headers } = signed(request);
    expect(verify(headers)).toBe(false);
  });

  it('passes with a date of long ago, because clients stamp local time', () => {
    expect(verify(signed(request, SIGNING_STYLES['path listed'], '19990101T000000Z'))).toBe(true);
  });

  it('passes with the path signed decoded or encoded', () => {
    const headers = signed({ ...request, path: '/janus/20180725/backup-resources/a:b' });
    expect(verify(headers, { path: '/janus/20180725/backup-resources/a%3Ab' })).toBe(true);
  });

  it('passes with the host signed without its port', () => {
    const headers = signed(request, { ...SIGNING_STYLES['host signed'], headers: { Host: 'scp.example' } });
    expect(verify({ ...headers, Host: 'scp.example:4430' })).toBe(true);
  });

  it.each([
    'AWS4-HMAC-SHA256',
    'AWS4-HMAC-SHA256 Credential=AK/1/2/3/aws4_request',
    'AWS4-HMAC-SHA256 Credential=AK, SignedHeaders=x-amz-date, Signature=00',
    `AWS4-HMAC-SHA256 Credential=AK/s, SignedHeaders=x-amz-date, Signature=${'0'.repeat(63)}`,
  ])('is malformed in %o', (header) => {
    expect(parseEc2Authorization(header)).toBeUndefined();
  });

  it('may be written without blanks', () => {
    const { Authorization = '', ...rest } = signed(request);
    expect(verify({ ...rest, Authorization: Authorization.replaceAll(', ', ',') })).toBe(true);
  });
});

import { createHash, createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { signRequest } from '../../../src/sdk/ec2-signature.ts';

const KEYS = { accessKey: 'AK', secretKey: 'SK' };
const NOW = Date.UTC(2026, 1, 3, 4, 5, 6);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

it('signs method, path, date and body hash as the platform recomputes them', () => {
  const signed = signRequest({ method: 'POST', path: '/janus/x', body: '{"a":1}' }, KEYS, NOW);
  const canonical = `POST\n/janus/x\n\nx-amz-date:20260203T040506Z\n\nx-amz-date\n${sha256('{"a":1}')}`;
  const scope = '20260203/cn-south-1/open-api/aws4_request';
  const text = `AWS4-HMAC-SHA256\n20260203T040506Z\n${scope}\n${sha256(canonical)}`;
  let key: Buffer = Buffer.from('AWS4SK');
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  expect(signed).toEqual({
    'X-Amz-Date': '20260203T040506Z',
    Authorization:
      `AWS4-HMAC-SHA256 Credential=AK/${scope}, SignedHeaders=x-amz-date, ` +
      `Signature=${createHmac('sha256', key).update(text).digest('hex')}`,
  });
});

it('leaves the query out of the signature', () => {
  const plain = signRequest({ method: 'GET', path: '/janus/x' }, KEYS, NOW);
  expect(signRequest({ method: 'GET', path: '/janus/x?page_num=3' }, KEYS, NOW)).toEqual(plain);
});

it('gives other signatures for other secrets, paths and days', () => {
  const of = (path: string, secretKey: string, nowMs: number) =>
    signRequest({ method: 'GET', path }, { accessKey: 'AK', secretKey }, nowMs).Authorization;
  const all = [of('/a', 's', NOW), of('/b', 's', NOW), of('/a', 't', NOW), of('/a', 's', NOW + 86_400_000)];
  expect(new Set(all).size).toBe(4);
});

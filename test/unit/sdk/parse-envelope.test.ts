import { expect, it } from 'vitest';
import { parseEnvelope } from '../../../src/sdk/parse-envelope.ts';
import { ProtocolError } from '../../../src/sdk/protocol-error.ts';
import { ScpError } from '../../../src/sdk/scp-error.ts';

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const failureOf = (response: ReturnType<typeof answer>): unknown => {
  try {
    return parseEnvelope('op', response);
  } catch (error) {
    return error;
  }
};

it('opens both envelopes, and an answer without a body', () => {
  expect(parseEnvelope('op', answer(200, { code: 0, message: '', data: { a: 1 } }))).toEqual({ a: 1 });
  expect(parseEnvelope('op', answer(201, { errcode: '', message: '', data: [] }))).toEqual([]);
  expect(parseEnvelope('op', answer(200, { errcode: null, message: '', data: 1 }))).toBe(1);
  expect(parseEnvelope('op', answer(204, ''))).toEqual({});
});

it.each([
  [{ code: 400, message: 'The VM CBT has expired. Please reset it.', data: {} }, 400, 'after-full-backup'],
  [{ errcode: '404', message: 'gone', data: {} }, 404, 'never'],
  [{ code: 429, message: 'slow down', data: {} }, 429, 'after-delay'],
  [{ code: 401, message: 'who?', data: {} }, 401, 'after-reacquire'],
  ['<html>bad gateway</html>', 502, 'after-delay'],
])('makes a refusal with its retry class of %j', (body, status, retry) => {
  const error = failureOf(answer(status, body));
  expect(error).toBeInstanceOf(ScpError);
  expect(error).toMatchObject({ operation: 'op', status, retry });
});

it('believes an error code more than a success status', () => {
  expect(failureOf(answer(200, { code: 500, message: 'x', data: {} }))).toMatchObject({ status: 500 });
});

it('keeps the time that the platform asked to wait', () => {
  const error = failureOf(answer(503, { code: 503, message: '', data: {} }, { 'retry-after': '7' }));
  expect(error).toMatchObject({ retryAfterSeconds: 7 });
});

it.each(['not json', '[]', '{"code":0,"message":""}'])('calls %j a broken contract', (body) => {
  expect(failureOf(answer(200, body))).toBeInstanceOf(ProtocolError);
});

it('quotes the page of a gateway, and nothing of an answer of the platform', () => {
  expect(failureOf(answer(200, '<html>who are you?</html>'))).toMatchObject({
    message: 'op: the answer is no JSON object: <html>who are you?</html>',
  });
  const cut = '{"code":0,"data":{"access":{"token":{"id":"hunter2"';
  for (const status of [200, 500])
    expect(failureOf(answer(status, cut))).toMatchObject({
      message: expect.stringContaining('cut or damaged'),
    });
  for (const status of [200, 500]) expect(String(failureOf(answer(status, cut)))).not.toContain('hunter2');
});

it('reads the answer in the way of its transport', () => {
  const texts: string[] = [];
  const parseJson = (text: string): unknown => {
    texts.push(text);
    return { code: 0, message: '', data: 'read' };
  };
  expect(parseEnvelope('op', answer(200, 'any text'), parseJson)).toBe('read');
  expect(texts).toEqual(['any text']);
});

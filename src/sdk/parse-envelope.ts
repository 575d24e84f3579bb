/** Both envelopes of the platform, from an HTTP answer to its data or an `ScpError`. */
import type { HttpResponse, ParseJson } from './http-transport.ts';
import { DamagedAnswer, ProtocolError } from './protocol-error.ts';
import { ScpError } from './scp-error.ts';

/** Longest text of a non-JSON answer that goes into an error message, characters. */
const EXCERPT = 200;

/**
 * The `data` of an answer; `{}` where the platform answers without a body.
 * @throws ScpError when the platform refused, ProtocolError when the answer is no envelope, DamagedAnswer when it is no JSON
 * @source SCP OpenAPI 6.11.1, common responses
 */
export function parseEnvelope(
  operation: string,
  response: HttpResponse,
  parseJson: ParseJson = JSON.parse,
): unknown {
  const isSuccess = response.status >= 200 && response.status < 300;
  if (isSuccess && response.body === '') return {};
  const envelope = parseObject(response.body, parseJson);
  if (envelope === undefined) {
    if (isSuccess) throw new DamagedAnswer(operation, '', `is no JSON object: ${quoted(response.body)}`);
    throw refusal(operation, response, String(response.status), quoted(response.body));
  }
  const code = codeOf(envelope);
  const message = typeof envelope.message === 'string' ? envelope.message : '';
  if (!isSuccess || code !== '') throw refusal(operation, response, code, message);
  if (envelope.data === undefined) throw new ProtocolError(operation, 'data', 'is missing');
  return envelope.data;
}

/** V1 says `code: 0` and V2 `errcode: ""` (or null) on success; both become the empty string. */
function codeOf(envelope: { readonly [key: string]: unknown }): string {
  const code = envelope.code ?? envelope.errcode ?? '';
  if (typeof code !== 'string' && typeof code !== 'number') return 'unknown';
  return code === 0 || code === '0' ? '' : String(code);
}

function parseObject(body: string, parseJson: ParseJson): { readonly [key: string]: unknown } | undefined {
  try {
    const value = parseJson(body);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return value as { readonly [key: string]: unknown };
  } catch {
    return undefined;
  }
}

/** A success status with an error code inside counts as the error that the code names. */
function refusal(operation: string, response: HttpResponse, code: string, message: string): ScpError {
  const status = response.status >= 400 ? response.status : Number(code) || 500;
  const retryAfter = Number(response.headers['retry-after']);
  return new ScpError(operation, {
    status,
    code,
    message,
    retryAfterSeconds: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter : undefined,
  });
}

/** A page of some gateway tells what is wrong; a damaged answer of the platform may hold a token or a certificate. */
function quoted(body: string): string {
  if (/^\s*[{[]/.test(body)) return 'it is cut or damaged, and not shown because it may hold secrets';
  return body.length <= EXCERPT ? body : `${body.slice(0, EXCERPT)}...`;
}

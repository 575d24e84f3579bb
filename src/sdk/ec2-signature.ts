/**
 * Access-key signing: AWS Signature Version 4 with the platform's deviations. The query is never signed, and the
 * region and service are whatever the client writes into the credential.
 * @source SCP OpenAPI 6.11.1, authentication; several public clients
 * @fidelity observed
 */
import { formatUtc } from '../contract/timestamps.ts';
import { createHmacKey, type HmacKey, hmacSha256, hmacSha256Hex, sha256Hex } from '../kernel/hmac-sha256.ts';

export interface SignableRequest {
  readonly method: string;
  /** With or without query; only the part before `?` is signed. */
  readonly path: string;
  /** Exactly as it is sent; absent counts as empty. */
  readonly body?: string;
}

export interface AccessKeys {
  readonly accessKey: string;
  readonly secretKey: string;
}

const REGION = 'cn-south-1';
const SERVICE = 'open-api';
const SIGNED_HEADERS = 'x-amz-date';

/** The two headers that authenticate a request, stamped with `nowMs`. */
export function signRequest(
  request: SignableRequest,
  keys: AccessKeys,
  nowMs: number,
): Record<string, string> {
  const stamp = amzDate(nowMs);
  const scope = `${stamp.slice(0, 8)}/${REGION}/${SERVICE}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256Hex(canonicalRequest(request, stamp))].join('\n');
  const signature = hmacSha256Hex(signingKey(keys, stamp.slice(0, 8)), toSign);
  return {
    'X-Amz-Date': stamp,
    Authorization:
      `AWS4-HMAC-SHA256 Credential=${keys.accessKey}/${scope}, ` +
      `SignedHeaders=${SIGNED_HEADERS}, Signature=${signature}`,
  };
}

function canonicalRequest(request: SignableRequest, stamp: string): string {
  const [path = ''] = request.path.split('?');
  const headers = `x-amz-date:${stamp}\n`;
  return [request.method, path, '', headers, SIGNED_HEADERS, bodyHash(request.body)].join('\n');
}

/** A key is good for a day, and four of the five HMACs of a signature go into it; so the last one is kept. */
const signingKeys = new WeakMap<AccessKeys, { readonly day: string; readonly key: HmacKey }>();

function signingKey(keys: AccessKeys, day: string): HmacKey {
  const known = signingKeys.get(keys);
  if (known?.day === day) return known.key;
  const parts = [day, REGION, SERVICE, 'aws4_request'];
  const start = createHmacKey(Buffer.from(`AWS4${keys.secretKey}`, 'utf8'));
  const key = parts.reduce((last, part) => createHmacKey(hmacSha256(last, part)), start);
  signingKeys.set(keys, { day, key });
  return key;
}

/** `YYYYMMDDTHHMMSSZ`, UTC. */
function amzDate(nowMs: number): string {
  return formatUtc(nowMs).replace(/[-:]/g, '');
}

const NO_BODY_HASH = sha256Hex('');

const bodyHash = (body = ''): string => (body === '' ? NO_BODY_HASH : sha256Hex(body));

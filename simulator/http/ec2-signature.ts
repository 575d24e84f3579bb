/**
 * Checks the signature of an AK/SK call the way the product does: like AWS Signature Version 4, with deviations.
 *
 * The query is never signed. Date, region and service are taken from the Credential as sent. A header that is listed
 * as signed and not sent is skipped, so that `path;x-amz-date` and `cookie;x-amz-date` without a cookie pass. The
 * clock is not compared, because the vendor's own client stamps local time as UTC.
 *
 * @source SCP OpenAPI 6.11.1, EC2 authentication; six public clients
 * @fidelity observed
 */
import { hash, timingSafeEqual } from 'node:crypto';
import {
  createHmacKey,
  type HmacKey,
  hmacSha256,
  hmacSha256Hex,
  sha256Hex,
} from '../../src/kernel/hmac-sha256.ts';

export interface Ec2Credential {
  readonly accessKey: string;
  /** `date/region/service/aws4_request`. */
  readonly scope: string;
  /** As sent, separated by semicolons. */
  readonly signedHeaders: string;
  readonly signature: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256\s+Credential=([^/,\s]+)\/([^,\s]+)\s*,\s*SignedHeaders=([^,\s]+)\s*,\s*Signature=([0-9a-fA-F]{64})$/;

/** The parts of an `Authorization` header, or `undefined` when it is malformed. */
export function parseEc2Authorization(header: string): Ec2Credential | undefined {
  const [, accessKey, scope, signedHeaders, signature] = AUTHORIZATION.exec(header.trim()) ?? [];
  if (accessKey === undefined || scope === undefined) return undefined;
  if (signedHeaders === undefined || signature === undefined) return undefined;
  return { accessKey, scope, signedHeaders, signature: signature.toLowerCase() };
}

export interface SignedRequest {
  readonly method: string;
  /** As sent, without the query. */
  readonly path: string;
  /** Value of a header by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

export function isSignatureValid(
  request: SignedRequest,
  credential: Ec2Credential,
  secretKey: string,
): boolean {
  const amzDate = request.header('x-amz-date');
  if (amzDate === undefined) return false;
  const key = signingKey(secretKey, credential.scope);
  const signature = Buffer.from(credential.signature, 'hex');
  for (const canonical of canonicalRequests(request, credential.signedHeaders)) {
    const toSign = [ALGORITHM, amzDate.trim(), credential.scope, sha256Hex(canonical)].join('\n');
    if (timingSafeEqual(Buffer.from(hmacSha256Hex(key, toSign), 'hex'), signature)) return true;
  }
  return false;
}

/** Clients differ in whether they sign the path encoded or not, and the host with its port or not: all pass. */
function* canonicalRequests(request: SignedRequest, signedHeaders: string): Generator<string> {
  const { method, path, body } = request;
  const payloadHash = body.length === 0 ? EMPTY_HASH : hash('sha256', body);
  const canonical = (signedPath: string, host: string | undefined): string => {
    const headers = canonicalHeaders(request, signedHeaders, host);
    return [method.toUpperCase(), signedPath, '', headers, signedHeaders, payloadHash].join('\n');
  };
  const host = request.header('host');
  yield canonical(path, host);
  const bareHost = host?.replace(/:\d+$/, '');
  yield canonical(path, bareHost);
  yield canonical(decodePath(path), host);
  yield canonical(decodePath(path), bareHost);
}

function canonicalHeaders(request: SignedRequest, signedHeaders: string, host: string | undefined): string {
  return signedHeaders
    .split(';')
    .map((listed) => listed.trim().toLowerCase())
    .map((name) => ({ name, value: name === 'host' ? host : request.header(name) }))
    .filter(({ value }) => value !== undefined)
    .map(({ name, value }) => `${name}:${value?.trim()}\n`)
    .join('');
}

/** Keys of a scope are good for its day and asked for with every request, so the latest are kept. */
const signingKeys = new Map<string, HmacKey>();
const SIGNING_KEYS_KEPT = 256;

function signingKey(secretKey: string, scope: string): HmacKey {
  const name = `${secretKey} ${scope}`;
  const known = signingKeys.get(name);
  if (known !== undefined) return known;
  const start = createHmacKey(Buffer.from(`AWS4${secretKey}`, 'utf8'));
  const key = scope.split('/').reduce((last, part) => createHmacKey(hmacSha256(last, part)), start);
  if (signingKeys.size >= SIGNING_KEYS_KEPT) signingKeys.clear();
  signingKeys.set(name, key);
  return key;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const EMPTY_HASH = hash('sha256', '');

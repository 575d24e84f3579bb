/**
 * HMAC-SHA-256 (RFC 2104) of short texts under one key, many times.
 *
 * Two one-shot hashes over prepared blocks: Node's `createHmac` makes an object outside of the heap for each message,
 * which costs several times as much as the hashing itself and is paid for once more when it is collected.
 *
 * The latest results are remembered: within one process who signs a request and who checks it ask for the same in turn,
 * and so do the runs of a simulation, which all begin alike.
 */
import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;

export interface HmacKey {
  /** The key's inner block; the message follows it. */
  readonly inner: Buffer;
  /** The key's outer block, with room for the digest of the inner one. */
  readonly outer: Buffer;
}

export function createHmacKey(secret: Uint8Array): HmacKey {
  const key = secret.length > BLOCK_BYTES ? hash('sha256', secret, 'buffer') : secret;
  const inner = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);
  key.forEach((byte, at) => {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  });
  return { inner, outer };
}

/** Of the text as UTF-8. */
export function hmacSha256(key: HmacKey, text: string): Buffer {
  return hash('sha256', outerOf(key, text), 'buffer');
}

/** Results of one kind. */
const MOST_KEPT = 4096;
/** Characters. */
const LONG = 1024;

/** By text, unless that is long: results of the latest calls. All are forgotten at once. */
class Latest<T> {
  readonly #results = new Map<string, T>();

  get(text: string): T | undefined {
    return this.#results.get(text);
  }

  set(text: string, result: T): T {
    if (text.length > LONG) return result;
    if (this.#results.size >= MOST_KEPT) this.#results.clear();
    this.#results.set(text, result);
    return result;
  }
}

const signed = new Latest<{ readonly inner: Buffer; readonly digest: string }>();
const hashed = new Latest<string>();

/** Lower-case hex. */
export function hmacSha256Hex(key: HmacKey, text: string): string {
  const known = signed.get(text);
  if (known?.inner.equals(key.inner)) return known.digest;
  return signed.set(text, { inner: key.inner, digest: hash('sha256', outerOf(key, text)) }).digest;
}

/** SHA-256 of the text as UTF-8, lower-case hex. */
export function sha256Hex(text: string): string {
  return hashed.get(text) ?? hashed.set(text, hash('sha256', text));
}

function outerOf({ inner, outer }: HmacKey, text: string): Buffer {
  const message = Buffer.allocUnsafe(BLOCK_BYTES + Buffer.byteLength(text));
  inner.copy(message);
  message.write(text, BLOCK_BYTES);
  outer.write(hash('sha256', message), BLOCK_BYTES, 'hex');
  return outer;
}

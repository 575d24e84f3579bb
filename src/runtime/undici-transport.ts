/** HTTP to an SCP over the network. */
import { Agent, request as undiciRequest } from 'undici';
import { type HttpTransport, TransportError, UntrustedPeer } from '../sdk/http-transport.ts';

export interface UndiciTransportOptions {
  /** `https://host:port`. */
  readonly baseUrl: string;
  /** PEM of the CA to trust in place of the system's. */
  readonly ca?: string;
  /** Trusts any certificate. Only when the user says so. */
  readonly isInsecure?: boolean;
  /** For connecting. Default 15 s. */
  readonly connectTimeoutMs?: number;
  /** For the answer to begin, and between its parts. Default 5 minutes: some queries of large disks are slow. */
  readonly answerTimeoutMs?: number;
}

/** @throws RangeError when `baseUrl` is no http(s) URL */
export function createUndiciTransport(options: UndiciTransportOptions): HttpTransport {
  const origin = originOf(options.baseUrl);
  const answerTimeoutMs = options.answerTimeoutMs ?? 300_000;
  const agent = new Agent({
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
    connect: {
      timeout: options.connectTimeoutMs ?? 15_000,
      rejectUnauthorized: !options.isInsecure,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    },
  });
  return {
    async send({ method, path, headers, body }, signal) {
      try {
        const answer = await undiciRequest(`${origin}${path}`, {
          dispatcher: agent,
          method,
          headers,
          body: body ?? null,
          signal: signal ?? null,
        });
        return {
          status: answer.statusCode,
          headers: flattenHeaders(answer.headers),
          body: await answer.body.text(),
        };
      } catch (error) {
        signal?.throwIfAborted();
        const Kind = isCertificateProblem(error) ? UntrustedPeer : TransportError;
        throw new Kind(`no answer from ${origin}: ${describe(error)}`, { cause: error });
      }
    },
    close: () => agent.close(),
  };
}

function originOf(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new RangeError(`${baseUrl} is no http(s) URL; write https://HOST or https://HOST:PORT`);
  return url.origin;
}

function flattenHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

/** The innermost message and its code: undici wraps what the socket said. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  const text = error.message || (error.cause instanceof Error ? error.cause.message : '') || error.name;
  return code === undefined || text.includes(code) ? text : `${text} (${code})`;
}

/** Node's and OpenSSL's codes for a certificate that does not verify. */
function isCertificateProblem(error: unknown): boolean {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return /^(?:CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/.test(code ?? '');
}

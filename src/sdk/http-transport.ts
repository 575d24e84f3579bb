/** How the SDK reaches an SCP: over undici on a network, or straight into a simulator in the same process. */

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path with query, `/janus/...`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface HttpTransport {
  /** @throws TransportError when there is no answer: refused, reset, timed out, certificate not trusted */
  send(request: HttpRequest, signal?: AbortSignal): Promise<HttpResponse>;
  close(): Promise<void>;
  /** Reads an answer where the transport knows a better way than `JSON.parse`; throws like it. Not to be written to. */
  readonly parseJson?: ParseJson | undefined;
}

export type ParseJson = (text: string) => unknown;

/** No answer came. Whether the request had an effect is unknown. */
export class TransportError extends Error {
  override readonly name: string = 'TransportError';
}

/** The peer's certificate is not trusted. The request was never sent, and repeating it would not help. */
export class UntrustedPeer extends TransportError {
  override readonly name = 'UntrustedPeer';
}

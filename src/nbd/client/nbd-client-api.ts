/** What an engine asks of the NBD client. */
import type { Duplex } from 'node:stream';

/** Opens a byte stream to an NBD server: a TCP socket, a unix socket, or one end of a duplex pair. */
export type NbdDial = (signal: AbortSignal) => Promise<Duplex>;

export interface NbdTlsOptions {
  /** PEM certificates of the only CA that is trusted. */
  readonly ca: string;
  /** Host name or IP that the certificate must name. */
  readonly host: string;
}

export interface NbdClientOptions {
  readonly dial: NbdDial;
  readonly exportName: string;
  /** Absent: plain NBD; the connection is never upgraded silently. Present: STARTTLS, no fall-back to plain. */
  readonly tls?: NbdTlsOptions;
  /** Parallel connections, used only if the export says that several are safe. Default 1. */
  readonly connections?: number;
  /** Requests in flight per connection. Default 16. */
  readonly inFlight?: number;
  /** A request without an answer for so long is given up, its connection dropped. Default 30 000 ms. */
  readonly requestTimeoutMs?: number;
  /** How often one request is repeated on a new connection before it fails. Default 5. */
  readonly retries?: number;
  /** First wait before a reconnect; doubles up to 16 times. Default 200 ms. */
  readonly retryDelayMs?: number;
  /** Meta contexts to ask for. Default `['base:allocation']`. */
  readonly metaContexts?: readonly string[];
  /** Ends opening, and opening again, wherever it is; what is open goes on, because requests have their own signals. */
  readonly signal?: AbortSignal;
}

export interface NbdExtent {
  readonly offset: number;
  readonly length: number;
  readonly flags: number;
}

export interface NbdExportInfo {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  readonly flags: number;
  readonly minBlockBytes: number;
  readonly preferredBlockBytes: number;
  readonly maxBlockBytes: number;
  readonly metaContexts: readonly string[];
}

export interface NbdClient extends AsyncDisposable {
  readonly info: NbdExportInfo;
  /** Connections opened again after a drop, so far. */
  readonly reconnects: number;
  /**
   * Reads a range of any length (split into requests). The bytes are the caller's own.
   * @throws NbdError for an errno of the server, NbdConnectionLost when the retries are used up,
   *   NbdProtocolError when the server broke the protocol (never retried)
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer>;
  write(offset: number, data: Uint8Array, options?: { fua?: boolean }, signal?: AbortSignal): Promise<void>;
  writeZeroes(
    offset: number,
    length: number,
    options?: { noHole?: boolean },
    signal?: AbortSignal,
  ): Promise<void>;
  trim(offset: number, length: number, signal?: AbortSignal): Promise<void>;
  flush(signal?: AbortSignal): Promise<void>;
  /** Extents of a negotiated context, covering the range exactly, neighbours of equal flags merged. */
  blockStatus(
    context: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<readonly NbdExtent[]>;
  /** Says DISC on every connection and closes them. */
  close(): Promise<void>;
}

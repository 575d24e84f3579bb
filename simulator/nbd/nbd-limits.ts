/** What one connection may cost the server. */
export interface NbdLimits {
  /** From the first byte to transmission, TLS included. */
  readonly handshakeTimeoutMs: number;
  /** After the last reply; a client that does not take it by then loses it. */
  readonly closeTimeoutMs: number;
  readonly maxOptions: number;
  /** A longer option ends the connection; a name of 4096 bytes and some queries fit. */
  readonly maxOptionBytes: number;
  readonly maxMetaContexts: number;
  /** Longest READ and WRITE, announced to clients. */
  readonly maxPayloadBytes: number;
  /** The payload of a WRITE that is refused anyway is read away up to here; a longer one ends the connection. */
  readonly maxSkippedBytes: number;
  /**
   * No further request is taken while replies queued for the client and requests at the device hold more than this.
   * Counted in bytes, because 200 requests can mean 6 GiB; a single request may exceed it.
   */
  readonly maxQueuedBytes: number;
  /** Most extents in one BLOCK_STATUS chunk; clients ask again from where it stopped. */
  readonly maxExtents: number;
}

export const defaultNbdLimits: NbdLimits = {
  handshakeTimeoutMs: 10_000,
  closeTimeoutMs: 10_000,
  maxOptions: 256,
  maxOptionBytes: 64 * 1024,
  maxMetaContexts: 64,
  maxPayloadBytes: 32 * 2 ** 20,
  maxSkippedBytes: 64 * 2 ** 20,
  maxQueuedBytes: 2 ** 20,
  maxExtents: 2 ** 16,
};

/**
 * What the NBD server serves and where it finds it. The world implements these; the server knows no backup resource.
 */

/** A run of equal status, as NBD_CMD_BLOCK_STATUS reports it. */
export interface Extent {
  readonly lengthBytes: number;
  /** `base:allocation`: 0 data, 3 hole that reads as zeros, 2 allocated zeros. `qemu:dirty-bitmap:*`: 1 dirty. */
  readonly flags: number;
}

/** One disk, as bytes. Offsets and lengths were checked against `sizeBytes` by the caller. */
export interface ExportDevice {
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  /**
   * The bytes of a range, as pieces to be sent one after the other without copying. The pieces stay valid and
   * unchanged for ever (they are slices of shared, immutable memory), except where the device is writable: there a
   * piece is a picture of the moment of the call.
   */
  read(offset: number, length: number): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Takes the bytes over: `data` may be reused by the caller after the returned promise resolves (or after return). */
  write(offset: number, data: Uint8Array): void | Promise<void>;
  /** The range reads as zeros afterwards. `mayTrim`: it may become a hole. */
  zero(offset: number, length: number, mayTrim: boolean): void | Promise<void>;
  /** The range becomes a hole (whole blocks inside it; the rest reads as before). */
  trim(offset: number, length: number): void | Promise<void>;
  flush(): void | Promise<void>;
  /** Names of the meta contexts, `base:allocation` first. */
  readonly metaContexts: readonly string[];
  /** Extents that cover [offset, offset+length) exactly, or its beginning when there are more than `maxExtents`. */
  blockStatus(context: string, offset: number, length: number, maxExtents: number): readonly Extent[];
}

/** A connection, as the owner of an export sees it. */
export interface ExportConnection {
  /** Number of the connection in the whole server, from 1. */
  readonly id: number;
  readonly isTls: boolean;
  /** Ends the connection at once; requests under way get no reply. */
  cut(why: string): void;
}

export type ExportRefusal = 'unknown' | 'tls-required' | 'policy' | 'shutting-down';

export type RequestGuard = <T>(work: () => T | Promise<T>) => T | Promise<T>;

export interface OpenExport {
  readonly device: ExportDevice;
  readonly description: string;
  /** Goes round the work of every request: may let it wait or fail, or end the connection. */
  readonly guard?: RequestGuard;
  /** The connection is gone. Called exactly once. */
  release(): void;
}

/** Finds exports by name. */
export interface ExportDirectory {
  /** Names that a client may see; TLS-only ones are left out for a plain connection. */
  list(isTls: boolean): readonly { name: string; description: string }[];
  /** Size and kind without opening (NBD_OPT_INFO, LIST_META_CONTEXT). */
  find(name: string, isTls: boolean): ExportDevice | ExportRefusal;
  /** Opens for transmission (NBD_OPT_GO, EXPORT_NAME). */
  open(name: string, connection: ExportConnection): OpenExport | ExportRefusal;
}

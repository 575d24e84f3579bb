/** The client: ranges of any length over a few connections, repeated where connections fail. */
import { linkedAbort } from '../../kernel/linked-abort.ts';
import { COMMAND, COMMAND_FLAG, TRANSMISSION_FLAG } from '../wire/constants.ts';
import { ERRNO } from '../wire/errno.ts';
import { NbdConnectionLost, NbdError, NbdProtocolError } from './errors.ts';
import { ExtentList } from './extent-list.ts';
import type { Lane } from './lane.ts';
import type { NbdClient, NbdExportInfo, NbdExtent } from './nbd-client-api.ts';
import type { NbdConnection } from './nbd-connection.ts';
import { orAborted } from './open-connection.ts';
import type { RequestSpec, StatusReply } from './pending-request.ts';
import { Permits } from './permits.ts';
import { alignOutward, type Range, splitRange } from './split-range.ts';

/** Larger requests are not faster; smaller ones cost more work per byte. */
const REQUEST_BYTES = 256 * 1024;
/** For commands whose length says nothing about the bytes on the wire: the longest multiple of every block size. */
const LONG_REQUEST_BYTES = 2 ** 32 - 2 ** 16;

export interface PooledClientParts {
  readonly info: NbdExportInfo;
  readonly lanes: readonly Lane[];
  readonly inFlight: number;
  readonly retries: number;
  readonly reconnects: () => number;
}

export class PooledClient implements NbdClient {
  readonly info: NbdExportInfo;
  readonly #lanes: readonly Lane[];
  readonly #permits: Permits;
  readonly #retries: number;
  readonly #reconnects: () => number;
  readonly #requestBytes: number;
  #isClosed = false;

  constructor(parts: PooledClientParts) {
    this.info = parts.info;
    this.#lanes = parts.lanes;
    this.#permits = new Permits(parts.inFlight * parts.lanes.length);
    this.#retries = parts.retries;
    this.#reconnects = parts.reconnects;
    const { minBlockBytes, maxBlockBytes } = parts.info;
    const most = maxBlockBytes - (maxBlockBytes % minBlockBytes);
    this.#requestBytes = Math.max(minBlockBytes, Math.min(REQUEST_BYTES, most));
  }

  get reconnects(): number {
    return this.#reconnects();
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
    this.#checkRange(offset, length);
    const whole = alignOutward(offset, length, this.info.minBlockBytes);
    // Every byte is written before it is handed out: a reply with gaps is a protocol error.
    const buffer = Buffer.allocUnsafeSlow(whole.length);
    await this.#each(
      splitRange(whole.offset, whole.length, this.#requestBytes),
      signal,
      (piece, pieceSignal) => {
        const at = piece.offset - whole.offset;
        const target = buffer.subarray(at, at + piece.length);
        return this.#perform({ command: COMMAND.READ, flags: 0, ...piece, target }, pieceSignal);
      },
    );
    return buffer.subarray(offset - whole.offset, offset - whole.offset + length);
  }

  async write(
    offset: number,
    data: Uint8Array,
    options: { fua?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    this.#checkChange(offset, data.length);
    const canFua = this.#has(TRANSMISSION_FLAG.SEND_FUA);
    const flags = options.fua && canFua ? COMMAND_FLAG.FUA : 0;
    await this.#each(splitRange(offset, data.length, this.#requestBytes), signal, (piece, pieceSignal) => {
      const at = piece.offset - offset;
      const payload = data.subarray(at, at + piece.length);
      return this.#perform({ command: COMMAND.WRITE, flags, ...piece, payload }, pieceSignal);
    });
    if (options.fua && !canFua) await this.flush(signal);
  }

  async writeZeroes(
    offset: number,
    length: number,
    options: { noHole?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<void> {
    this.#checkChange(offset, length);
    if (!this.#has(TRANSMISSION_FLAG.SEND_WRITE_ZEROES)) return this.#writeZeroBytes(offset, length, signal);
    const flags = options.noHole ? COMMAND_FLAG.NO_HOLE : 0;
    await this.#long({ command: COMMAND.WRITE_ZEROES, flags, offset, length }, signal);
  }

  async trim(offset: number, length: number, signal?: AbortSignal): Promise<void> {
    this.#checkChange(offset, length);
    // TRIM is advice; a server that doesn't take it keeps the bytes, which it may always do.
    if (!this.#has(TRANSMISSION_FLAG.SEND_TRIM)) return;
    await this.#long({ command: COMMAND.TRIM, flags: 0, offset, length }, signal);
  }

  async flush(signal?: AbortSignal): Promise<void> {
    if (!this.#has(TRANSMISSION_FLAG.SEND_FLUSH)) return;
    await this.#perform({ command: COMMAND.FLUSH, flags: 0, offset: 0, length: 0 }, signal);
  }

  async blockStatus(
    context: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<readonly NbdExtent[]> {
    this.#checkRange(offset, length);
    if (!this.info.metaContexts.includes(context))
      throw new RangeError(`meta context not negotiated: ${context}`);
    const whole = alignOutward(offset, length, this.info.minBlockBytes);
    const found = new ExtentList(offset, length);
    // Extents begin at the block that holds `offset`; the part before it is cut off the first answer.
    for (let at = whole.offset; found.missingBytes > 0; at = found.position) {
      const asked = { offset: at, length: Math.min(whole.offset + whole.length - at, LONG_REQUEST_BYTES) };
      const extents = await this.#status(context, asked, signal);
      found.append(dropBytes(extents, found.position - at));
    }
    return found.toArray();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#lanes.map((lane) => lane.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #status(context: string, range: Range, signal: AbortSignal | undefined) {
    let id: number | undefined;
    const status = await this.#perform(
      { command: COMMAND.BLOCK_STATUS, flags: 0, ...range },
      signal,
      (connection) => {
        id = connection.opened.contexts.get(context);
      },
    );
    const extents = id === undefined ? undefined : status.get(id);
    if (extents === undefined) throw new NbdProtocolError(`no status of context ${context}`);
    return extents;
  }

  async #long(spec: RequestSpec, signal: AbortSignal | undefined): Promise<void> {
    const pieces = splitRange(spec.offset, spec.length, LONG_REQUEST_BYTES);
    await this.#each(pieces, signal, (piece, pieceSignal) =>
      this.#perform({ ...spec, ...piece }, pieceSignal),
    );
  }

  async #writeZeroBytes(offset: number, length: number, signal: AbortSignal | undefined): Promise<void> {
    const zeros = Buffer.alloc(Math.min(length, this.#requestBytes));
    await this.#each(splitRange(offset, length, this.#requestBytes), signal, (piece, pieceSignal) => {
      const payload = zeros.subarray(0, piece.length);
      return this.#perform({ command: COMMAND.WRITE, flags: 0, ...piece, payload }, pieceSignal);
    });
  }

  /** Does `work` for all pieces; the first failure stops the others before it is thrown. */
  async #each(
    pieces: readonly Range[],
    signal: AbortSignal | undefined,
    work: (piece: Range, signal: AbortSignal | undefined) => Promise<unknown>,
  ): Promise<void> {
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1) {
      await work(only, signal);
      return;
    }
    const siblings = linkedAbort(signal);
    const failures: unknown[] = [];
    const fail = (error: unknown): void => {
      failures.push(error);
      siblings.abort(error);
    };
    await Promise.all(pieces.map((piece) => work(piece, siblings.signal).catch(fail)));
    siblings.unlink();
    if (failures.length > 0) throw failures[0];
  }

  /** Sends one request until it is answered, on another connection after each loss. `onSend` sees every connection. */
  async #perform(
    spec: RequestSpec,
    signal: AbortSignal | undefined,
    onSend?: (connection: NbdConnection) => void,
  ): Promise<StatusReply> {
    await this.#permits.acquire(signal);
    try {
      for (let attempt = 0; ; attempt++) {
        const lane = this.#idlestLane();
        const leave = lane.enter();
        try {
          const connection = await orAborted(signal, lane.connection());
          onSend?.(connection);
          const status = await connection.submit(spec, signal);
          lane.succeeded();
          return status;
        } catch (error) {
          this.#rethrowUnlessLost(error, attempt);
        } finally {
          leave();
        }
      }
    } finally {
      this.#permits.release();
    }
  }

  #rethrowUnlessLost(error: unknown, attempt: number): void {
    if (!(error instanceof NbdConnectionLost) || this.#isClosed || this.#retries === 0) throw error;
    if (attempt < this.#retries) return;
    throw new NbdConnectionLost(`given up after ${attempt + 1} attempts: ${error.message}`, { cause: error });
  }

  #idlestLane(): Lane {
    return this.#lanes.reduce((best, lane) => (lane.load < best.load ? lane : best));
  }

  #has(flag: number): boolean {
    return (this.info.flags & flag) !== 0;
  }

  #checkRange(offset: number, length: number): void {
    const isInside =
      Number.isSafeInteger(offset) &&
      Number.isSafeInteger(length) &&
      offset >= 0 &&
      length >= 0 &&
      offset + length <= this.info.sizeBytes;
    if (!isInside)
      throw new RangeError(
        `[${offset}, +${length}) is not inside the export of ${this.info.sizeBytes} bytes`,
      );
  }

  #checkChange(offset: number, length: number): void {
    this.#checkRange(offset, length);
    if (this.info.isReadOnly) throw new NbdError(ERRNO.EPERM, 'export is read-only');
    const block = this.info.minBlockBytes;
    if (offset % block !== 0 || length % block !== 0) {
      throw new RangeError(`[${offset}, +${length}) is not aligned to ${block} bytes`);
    }
  }
}

/** The extents without their first `bytes` bytes. */
function dropBytes(extents: StatusReply extends ReadonlyMap<number, infer E> ? E : never, bytes: number) {
  let left = bytes;
  return extents.map(({ length, flags }) => {
    const dropped = Math.min(left, length);
    left -= dropped;
    return { length: length - dropped, flags };
  });
}

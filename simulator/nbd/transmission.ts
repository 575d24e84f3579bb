/**
 * The transmission phase: requests in, replies out.
 *
 * The hot path. One cork per input chunk makes all replies of a batch leave in one system call; content goes out as
 * the device's own slices; a device that answers at once costs no promise. Parsing itself stops while too many bytes
 * are on their way, because a paused stream would still leave thousands of requests in the chunk at hand.
 */
import { COMMAND, COMMAND_FLAG } from '../../src/nbd/wire/constants.ts';
import {
  encodeDataChunk,
  encodeErrorChunk,
  encodeHoleChunk,
  encodeSimpleReply,
  encodeStatusChunk,
} from '../../src/nbd/wire/encode-transmission.ts';
import { ERRNO, errnoName, errnoOf } from '../../src/nbd/wire/errno.ts';
import { RequestDecoder, type RequestHeader } from '../../src/nbd/wire/request-decoder.ts';
import { checkRequest, type ExportFacts } from './check-request.ts';
import type { ExportDevice } from './export-device.ts';
import type { NbdServerContext } from './nbd-server-context.ts';
import type { Negotiated } from './negotiation.ts';
import { planRead, type ReadPart } from './plan-read.ts';
import type { ReplyOutput } from './reply-output.ts';
import type { ServerConnection } from './server-connection.ts';

/** Replies up to here are copied into one piece with their header: cheaper than a second vector element. */
const JOINED_REPLY_BYTES = 8 * 1024;

type Pieces = readonly Uint8Array[];

interface NumberedRequest extends RequestHeader {
  readonly number: number;
}

export class Transmission {
  readonly #negotiated: Negotiated;
  readonly #context: NbdServerContext;
  readonly #connection: ServerConnection;
  readonly #output: ReplyOutput;
  readonly #device: ExportDevice;
  readonly #facts: ExportFacts;
  readonly #maxQueuedBytes: number;
  readonly #decoder = new RequestDecoder();
  #requests = 0;
  /** The WRITE whose payload is coming in, and the error it gets if it is only being skipped. */
  #write: { readonly request: NumberedRequest; readonly errno: number } | undefined;
  /** Requests at the device, and the bytes they hold. */
  #busy = 0;
  #busyBytes = 0;
  #isPaused = false;
  /** Why no further request will come; set by DISC and by the end of the stream. */
  #lastWord: string | undefined;

  constructor(
    negotiated: Negotiated,
    context: NbdServerContext,
    connection: ServerConnection,
    output: ReplyOutput,
  ) {
    this.#negotiated = negotiated;
    this.#context = context;
    this.#connection = connection;
    this.#output = output;
    this.#device = negotiated.opened.device;
    // Below its high-water mark a stream tells nobody when it has drained.
    this.#maxQueuedBytes = Math.max(context.limits.maxQueuedBytes, negotiated.stream.writableHighWaterMark);
    this.#facts = {
      sizeBytes: this.#device.sizeBytes,
      isReadOnly: this.#device.isReadOnly,
      isStructured: negotiated.isStructured,
      hasContexts: negotiated.contexts.length > 0,
      maxPayloadBytes: context.limits.maxPayloadBytes,
    };
  }

  /** Starts to serve; everything else happens in events, until the connection is closed. */
  start(): void {
    const { stream, rest } = this.#negotiated;
    this.#output.onDrain(() => this.#continue());
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => {
      this.#lastWord ??= 'client gone';
      this.#finishWhenIdle();
    });
    if (rest.length > 0) this.#onData(rest);
    if (!this.#isPaused) stream.resume();
  }

  #onData(chunk: Buffer): void {
    this.#context.clock.hold()();
    this.#decoder.push(chunk);
    this.#pump();
  }

  #continue(): void {
    if (this.#connection.isOver) return;
    this.#pump();
  }

  #pump(): void {
    this.#output.cork();
    try {
      this.#takeRequests();
    } finally {
      this.#output.uncork();
    }
    this.#setPaused(this.#isFull());
    this.#finishWhenIdle();
  }

  #takeRequests(): void {
    while (!this.#isFull() && !this.#hasDisconnected && !this.#connection.isOver) {
      const event = this.#decoder.next();
      switch (event?.kind) {
        case 'request':
          this.#take({ ...event, number: ++this.#requests });
          break;
        case 'payload':
          this.#takePayload(event.bytes);
          break;
        case 'skipped':
          this.#takePayload(undefined);
          break;
        case 'broken':
          this.#connection.cut(event.why);
          return;
        case undefined:
          return;
      }
    }
  }

  get #hasDisconnected(): boolean {
    return this.#lastWord === DISCONNECTED;
  }

  #isFull(): boolean {
    return this.#output.queuedBytes + this.#busyBytes > this.#maxQueuedBytes;
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#negotiated.stream.pause();
    else this.#negotiated.stream.resume();
  }

  #finishWhenIdle(): void {
    if (this.#lastWord === undefined || this.#busy > 0 || this.#isPaused) return;
    this.#connection.expectClose(this.#lastWord);
    this.#output.end();
  }

  #take(request: NumberedRequest): void {
    const { observer, connectionId } = this.#context;
    const { number, type, flags, offset, length } = request;
    observer.request(connectionId, number, type, flags, offset, length);
    if (type === COMMAND.DISC) {
      this.#lastWord = DISCONNECTED;
      return;
    }
    const errno = checkRequest(request, this.#facts);
    if (type === COMMAND.WRITE) this.#awaitPayload(request, errno);
    else if (errno !== 0) this.#fail(request, errno);
    else this.#execute(request);
  }

  #awaitPayload(request: NumberedRequest, errno: number): void {
    this.#write = { request, errno };
    if (errno === 0) this.#decoder.collectPayload(request.length);
    else if (request.length <= this.#context.limits.maxSkippedBytes)
      this.#decoder.skipPayload(request.length);
    else this.#connection.cut(`write of ${request.length} bytes`);
  }

  #takePayload(bytes: Buffer | undefined): void {
    const write = this.#write;
    this.#write = undefined;
    if (write === undefined) return;
    if (bytes === undefined) this.#fail(write.request, write.errno);
    else this.#change(write.request, () => this.#device.write(write.request.offset, bytes));
  }

  #execute(request: NumberedRequest): void {
    const { offset, length, flags } = request;
    const device = this.#device;
    switch (request.type) {
      case COMMAND.READ:
        return this.#read(request);
      case COMMAND.BLOCK_STATUS:
        return this.#blockStatus(request);
      case COMMAND.FLUSH:
        return this.#run(
          request,
          0,
          () => device.flush(),
          () => this.#succeed(request),
        );
      case COMMAND.TRIM:
        return this.#change(request, () => device.trim(offset, length));
      case COMMAND.WRITE_ZEROES:
        return this.#change(request, () => device.zero(offset, length, (flags & COMMAND_FLAG.NO_HOLE) === 0));
      case COMMAND.CACHE:
        return this.#succeed(request);
      default:
        return this.#fail(request, ERRNO.EINVAL);
    }
  }

  /** Runs `work`, now or later, then `done`; an error of either becomes the reply. */
  #run<T>(
    request: NumberedRequest,
    heldBytes: number,
    work: () => T | Promise<T>,
    done: (result: T) => void,
  ): void {
    try {
      const { guard } = this.#negotiated.opened;
      const result = guard === undefined ? work() : guard(work);
      if (result instanceof Promise) void this.#later(request, heldBytes, result, done);
      else done(result);
    } catch (error) {
      this.#fail(request, errnoOf(error));
    }
  }

  async #later<T>(
    request: NumberedRequest,
    heldBytes: number,
    result: Promise<T>,
    done: (result: T) => void,
  ): Promise<void> {
    this.#busy++;
    this.#busyBytes += heldBytes;
    try {
      const value = await result;
      if (!this.#connection.isOver) done(value);
    } catch (error) {
      if (!this.#connection.isOver) this.#fail(request, errnoOf(error));
    } finally {
      this.#busy--;
      this.#busyBytes -= heldBytes;
      this.#continue();
    }
  }

  /** A command that changes the disk: with FUA it is durable before the reply. */
  #change(request: NumberedRequest, work: () => void | Promise<void>): void {
    const isDurable = (request.flags & COMMAND_FLAG.FUA) !== 0;
    const whole = (): void | Promise<void> => {
      const result = work();
      if (!isDurable) return result;
      return result instanceof Promise ? result.then(() => this.#device.flush()) : this.#device.flush();
    };
    const heldBytes = request.type === COMMAND.WRITE ? request.length : 0;
    this.#run(request, heldBytes, whole, () => this.#succeed(request));
  }

  #succeed(request: NumberedRequest): void {
    this.#output.write(encodeSimpleReply(request, 0));
    this.#observeReply(request, 0, 0);
  }

  #fail(request: NumberedRequest, errno: number): void {
    const needsChunks = request.type === COMMAND.READ || request.type === COMMAND.BLOCK_STATUS;
    const isChunk = needsChunks && this.#facts.isStructured;
    this.#output.write(
      isChunk ? encodeErrorChunk(request, errno, errnoName(errno)) : encodeSimpleReply(request, errno),
    );
    this.#observeReply(request, errno, 0);
  }

  #observeReply(request: NumberedRequest, errno: number, bytes: number): void {
    this.#context.observer.reply(this.#context.connectionId, request.number, errno, bytes);
  }

  #read(request: NumberedRequest): void {
    const { offset, length, flags } = request;
    const isWhole = !this.#facts.isStructured || (flags & COMMAND_FLAG.DF) !== 0;
    const parts = isWhole ? undefined : planRead(this.#device, offset, length);
    if (parts !== undefined && (parts.length > 1 || parts[0]?.isHole)) return this.#readParts(request, parts);
    this.#run(
      request,
      length,
      () => this.#device.read(offset, length),
      (pieces) => {
        this.#send(this.#contentHeader(request), pieces, length);
        this.#observeReply(request, 0, length);
      },
    );
  }

  #contentHeader(request: NumberedRequest): Buffer {
    if (!this.#facts.isStructured) return encodeSimpleReply(request, 0);
    return encodeDataChunk(request, true, request.offset, request.length);
  }

  #readParts(request: NumberedRequest, parts: readonly ReadPart[]): void {
    const dataBytes = parts.reduce((sum, part) => sum + (part.isHole ? 0 : part.length), 0);
    this.#run(
      request,
      dataBytes,
      () => readEach(this.#device, parts),
      (contents) => {
        this.#sendParts(request, parts, contents);
        this.#observeReply(request, 0, request.length);
      },
    );
  }

  #sendParts(request: NumberedRequest, parts: readonly ReadPart[], contents: readonly Pieces[]): void {
    this.#output.cork();
    for (const [index, { offset, length, isHole }] of parts.entries()) {
      const isDone = index === parts.length - 1;
      if (isHole) this.#output.write(encodeHoleChunk(request, isDone, offset, length));
      else this.#send(encodeDataChunk(request, isDone, offset, length), contents[index] ?? [], length);
    }
    this.#output.uncork();
  }

  #send(header: Buffer, pieces: Pieces, length: number): void {
    if (length <= JOINED_REPLY_BYTES) {
      this.#output.write(Buffer.concat([header, ...pieces]));
      return;
    }
    this.#output.cork();
    this.#output.write(header);
    for (const piece of pieces) this.#output.write(piece);
    this.#output.uncork();
  }

  #blockStatus(request: NumberedRequest): void {
    const { contexts } = this.#negotiated;
    const isOne = (request.flags & COMMAND_FLAG.REQ_ONE) !== 0;
    const maxExtents = isOne ? 1 : this.#context.limits.maxExtents;
    const query = (context: string) =>
      this.#device.blockStatus(context, request.offset, request.length, maxExtents);
    this.#run(
      request,
      0,
      () => contexts.map(query),
      (answers) => {
        for (const [index, extents] of answers.entries()) {
          const isDone = index === answers.length - 1;
          this.#output.write(encodeStatusChunk(request, isDone, index + 1, extents));
        }
        this.#observeReply(request, 0, 0);
      },
    );
  }
}

const DISCONNECTED = 'disconnect';

/** Content of every part, in order; nothing for holes. A promise only if the device needs one. */
function readEach(device: ExportDevice, parts: readonly ReadPart[]): Pieces[] | Promise<Pieces[]> {
  const contents = parts.map(({ offset, length, isHole }) => (isHole ? [] : device.read(offset, length)));
  return contents.some((content) => content instanceof Promise)
    ? Promise.all(contents)
    : (contents as Pieces[]);
}

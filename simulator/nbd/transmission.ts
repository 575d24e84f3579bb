/**
 * The transmission phase: requests in, replies out.
 *
 * The hot path. One cork per input chunk makes all replies of a batch leave in one system call; content goes out as
 * the device's own slices. Parsing itself stops while too many bytes are on their way, because a paused stream would
 * still leave thousands of requests in the chunk at hand.
 */
import { COMMAND } from '../../src/nbd/wire/constants.ts';
import { RequestDecoder } from '../../src/nbd/wire/request-decoder.ts';
import { checkRequest, type ExportFacts } from './check-request.ts';
import type { NbdServerContext } from './nbd-server-context.ts';
import type { Negotiated } from './negotiation.ts';
import type { ReplyOutput } from './reply-output.ts';
import { type NumberedRequest, ReplyWriter } from './reply-writer.ts';
import { RequestExecutor } from './request-executor.ts';
import type { ServerConnection } from './server-connection.ts';

const DISCONNECTED = 'disconnect';
/** A client that goes on after its farewell breaks the protocol; rules look for it. */
const TALKED_ON = 'bytes after the disconnect';

export class Transmission {
  readonly #negotiated: Negotiated;
  readonly #context: NbdServerContext;
  readonly #connection: ServerConnection;
  readonly #output: ReplyOutput;
  readonly #replies: ReplyWriter;
  readonly #executor: RequestExecutor;
  readonly #facts: ExportFacts;
  readonly #maxQueuedBytes: number;
  readonly #decoder = new RequestDecoder();
  #requests = 0;
  /** The WRITE whose payload is coming in, and the error it gets if it is only being skipped. */
  #write: { readonly request: NumberedRequest; readonly errno: number } | undefined;
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
    // Below its high-water mark a stream tells nobody when it has drained.
    this.#maxQueuedBytes = Math.max(context.limits.maxQueuedBytes, negotiated.stream.writableHighWaterMark);
    const { observer, connectionId, limits } = context;
    this.#replies = new ReplyWriter(output, observer, connectionId, negotiated.isStructured);
    this.#executor = new RequestExecutor({
      negotiated,
      replies: this.#replies,
      maxExtents: limits.maxExtents,
      isOver: () => connection.isOver,
      onDone: () => this.#continue(),
    });
    this.#facts = factsOf(negotiated, limits.maxPayloadBytes);
  }

  /** Starts to serve; everything else happens in events, until the connection is closed. */
  start(): void {
    const { stream, rest } = this.#negotiated;
    this.#output.onDrain(() => this.#continue());
    stream.on('data', (chunk: Buffer) => this.#onData(chunk));
    stream.on('end', () => {
      // Who hangs up without DISC takes no answer any more, not even one that is on its way.
      if (this.#lastWord === undefined && !this.#executor.isIdle) return this.#connection.cut('client gone');
      this.#lastWord ??= 'client gone';
      return this.#finishWhenIdle();
    });
    if (rest.length > 0) this.#onData(rest);
    if (!this.#isPaused) stream.resume();
  }

  #onData(chunk: Buffer): void {
    this.#context.clock.hold()();
    // What comes after DISC is nobody's, and must not pile up.
    if (this.#hasDisconnected) this.#connection.amend(TALKED_ON);
    else {
      this.#decoder.push(chunk);
      this.#pump();
    }
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
    return this.#output.queuedBytes + this.#executor.busyBytes > this.#maxQueuedBytes;
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#negotiated.stream.pause();
    else this.#negotiated.stream.resume();
  }

  #finishWhenIdle(): void {
    if (this.#lastWord === undefined || !this.#executor.isIdle || this.#isPaused) return;
    const hasMore = this.#hasDisconnected && this.#decoder.pendingBytes > 0;
    this.#connection.expectClose(hasMore ? TALKED_ON : this.#lastWord);
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
    else if (errno !== 0) this.#replies.fail(request, errno);
    else this.#executor.execute(request);
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
    if (bytes === undefined) this.#replies.fail(write.request, write.errno);
    else this.#executor.write(write.request, bytes);
  }
}

function factsOf({ opened, isStructured, contexts }: Negotiated, maxPayloadBytes: number): ExportFacts {
  const { sizeBytes, isReadOnly } = opened.device;
  return { sizeBytes, isReadOnly, isStructured, hasContexts: contexts.length > 0, maxPayloadBytes };
}

/** Replies in the form that was negotiated, and word of each to the observer. */
import { COMMAND } from '../../src/nbd/wire/constants.ts';
import {
  encodeDataChunk,
  encodeErrorChunk,
  encodeHoleChunk,
  encodeSimpleReply,
  encodeStatusChunk,
} from '../../src/nbd/wire/encode-transmission.ts';
import { errnoName } from '../../src/nbd/wire/errno.ts';
import type { RequestHeader } from '../../src/nbd/wire/request-decoder.ts';
import type { Extent } from './export-device.ts';
import type { NbdObserver } from './nbd-observer.ts';
import type { ReadPart } from './plan-read.ts';
import type { ReplyOutput } from './reply-output.ts';

/** Replies up to here are copied into one piece with their header: cheaper than a second vector element. */
const JOINED_REPLY_BYTES = 8 * 1024;

/** Content, to be sent piece after piece without copying. */
export type Pieces = readonly Uint8Array[];

/** A request and its number on the connection, from 1. */
export interface NumberedRequest extends RequestHeader {
  readonly number: number;
}

export class ReplyWriter {
  readonly #output: ReplyOutput;
  readonly #observer: NbdObserver;
  readonly #connectionId: number;
  readonly #isStructured: boolean;

  constructor(output: ReplyOutput, observer: NbdObserver, connectionId: number, isStructured: boolean) {
    this.#output = output;
    this.#observer = observer;
    this.#connectionId = connectionId;
    this.#isStructured = isStructured;
  }

  succeed(request: NumberedRequest): void {
    this.#output.write(encodeSimpleReply(request, 0));
    this.#observe(request, 0, 0);
  }

  fail(request: NumberedRequest, errno: number): void {
    const needsChunks = request.type === COMMAND.READ || request.type === COMMAND.BLOCK_STATUS;
    const isChunk = needsChunks && this.#isStructured;
    this.#output.write(
      isChunk ? encodeErrorChunk(request, errno, errnoName(errno)) : encodeSimpleReply(request, errno),
    );
    this.#observe(request, errno, 0);
  }

  /** The whole content of a READ. */
  content(request: NumberedRequest, pieces: Pieces): void {
    const { offset, length } = request;
    const header = this.#isStructured
      ? encodeDataChunk(request, true, offset, length)
      : encodeSimpleReply(request, 0);
    this.#send(header, pieces, length);
    this.#observe(request, 0, length);
  }

  /** The content of a READ in parts; `contents` has an entry for each, unused for holes. Structured replies only. */
  parts(request: NumberedRequest, parts: readonly ReadPart[], contents: readonly Pieces[]): void {
    this.#output.cork();
    for (const [index, { offset, length, isHole }] of parts.entries()) {
      const isDone = index === parts.length - 1;
      if (isHole) this.#output.write(encodeHoleChunk(request, isDone, offset, length));
      else this.#send(encodeDataChunk(request, isDone, offset, length), contents[index] ?? [], length);
    }
    this.#output.uncork();
    this.#observe(request, 0, request.length);
  }

  /** Extents of every negotiated context, in the order of their ids. */
  status(request: NumberedRequest, answers: readonly (readonly Extent[])[]): void {
    for (const [index, extents] of answers.entries()) {
      const isDone = index === answers.length - 1;
      this.#output.write(encodeStatusChunk(request, isDone, index + 1, extents));
    }
    this.#observe(request, 0, 0);
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

  /** Only of replies that have gone out whole. */
  #observe(request: NumberedRequest, errno: number, bytes: number): void {
    if (this.#output.isCut) return;
    this.#observer.reply(this.#connectionId, request.number, errno, bytes);
  }
}

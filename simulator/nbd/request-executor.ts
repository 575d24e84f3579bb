/**
 * Lets the device do what a request asks. A device that answers at once costs no promise; one that answers later holds
 * its bytes against the connection's limit.
 */
import { COMMAND, COMMAND_FLAG } from '../../src/nbd/wire/constants.ts';
import { ERRNO, errnoOf } from '../../src/nbd/wire/errno.ts';
import type { ExportDevice, OpenExport } from './export-device.ts';
import type { Negotiated } from './negotiation.ts';
import { planRead, type ReadPart } from './plan-read.ts';
import type { NumberedRequest, Pieces, ReplyWriter } from './reply-writer.ts';

export interface RequestExecutorOptions {
  readonly negotiated: Negotiated;
  readonly replies: ReplyWriter;
  readonly maxExtents: number;
  /** The connection is gone: nobody wants a reply any more. */
  readonly isOver: () => boolean;
  /** A request that took its time is done. */
  readonly onDone: () => void;
}

export class RequestExecutor {
  readonly #device: ExportDevice;
  readonly #guard: OpenExport['guard'];
  readonly #contexts: readonly string[];
  readonly #isStructured: boolean;
  readonly #options: RequestExecutorOptions;
  readonly #replies: ReplyWriter;
  #busy = 0;
  #busyBytes = 0;

  constructor(options: RequestExecutorOptions) {
    const { negotiated, replies } = options;
    this.#device = negotiated.opened.device;
    this.#guard = negotiated.opened.guard;
    this.#contexts = negotiated.contexts;
    this.#isStructured = negotiated.isStructured;
    this.#options = options;
    this.#replies = replies;
  }

  /** Bytes of the requests that are at the device. */
  get busyBytes(): number {
    return this.#busyBytes;
  }

  get isIdle(): boolean {
    return this.#busy === 0;
  }

  write(request: NumberedRequest, bytes: Buffer): void {
    this.#change(request, () => this.#device.write(request.offset, bytes));
  }

  /** Carries out a checked request other than WRITE. */
  execute(request: NumberedRequest): void {
    const { offset, length, flags } = request;
    const device = this.#device;
    switch (request.type) {
      case COMMAND.READ:
        return this.#read(request);
      case COMMAND.BLOCK_STATUS:
        return this.#blockStatus(request);
      case COMMAND.FLUSH:
        return this.#change(request, () => device.flush());
      case COMMAND.TRIM:
        return this.#change(request, () => device.trim(offset, length));
      case COMMAND.WRITE_ZEROES:
        return this.#change(request, () => device.zero(offset, length, (flags & COMMAND_FLAG.NO_HOLE) === 0));
      case COMMAND.CACHE:
        return this.#replies.succeed(request);
      default:
        return this.#replies.fail(request, ERRNO.EINVAL);
    }
  }

  #read(request: NumberedRequest): void {
    const { offset, length, flags } = request;
    const isWhole = !this.#isStructured || (flags & COMMAND_FLAG.DF) !== 0;
    const parts = isWhole ? undefined : this.#plan(request);
    if (parts !== undefined && (parts.length > 1 || parts[0]?.isHole)) return this.#readParts(request, parts);
    this.#run(
      request,
      length,
      () => this.#device.read(offset, length),
      (pieces) => this.#replies.content(request, pieces),
    );
  }

  /** The parts of a read, or `undefined` to read it whole when the device can't tell what is a hole. */
  #plan({ offset, length }: NumberedRequest): readonly ReadPart[] | undefined {
    try {
      return planRead(this.#device, offset, length);
    } catch {
      return undefined;
    }
  }

  #readParts(request: NumberedRequest, parts: readonly ReadPart[]): void {
    const dataBytes = parts.reduce((sum, part) => sum + (part.isHole ? 0 : part.length), 0);
    this.#run(
      request,
      dataBytes,
      () => readEach(this.#device, parts),
      (contents) => this.#replies.parts(request, parts, contents),
    );
  }

  #blockStatus(request: NumberedRequest): void {
    const { offset, length, flags } = request;
    const isOne = (flags & COMMAND_FLAG.REQ_ONE) !== 0;
    const maxExtents = isOne ? 1 : this.#options.maxExtents;
    const query = (context: string) => this.#device.blockStatus(context, offset, length, maxExtents);
    this.#run(
      request,
      0,
      () => this.#contexts.map(query),
      (answers) => this.#replies.status(request, answers),
    );
  }

  /** A command without content in its reply. With FUA what it changed is durable before the reply. */
  #change(request: NumberedRequest, work: () => void | Promise<void>): void {
    const isDurable = (request.flags & COMMAND_FLAG.FUA) !== 0;
    const whole = (): void | Promise<void> => {
      const result = work();
      if (!isDurable) return result;
      return result instanceof Promise ? result.then(() => this.#device.flush()) : this.#device.flush();
    };
    const heldBytes = request.type === COMMAND.WRITE ? request.length : 0;
    this.#run(request, heldBytes, whole, () => this.#replies.succeed(request));
  }

  /** Runs `work`, now or later, then `done`; an error of either becomes the reply. */
  #run<T>(
    request: NumberedRequest,
    heldBytes: number,
    work: () => T | Promise<T>,
    done: (result: T) => void,
  ): void {
    try {
      const result = this.#guard === undefined ? work() : this.#guard(work);
      if (result instanceof Promise) void this.#later(request, heldBytes, result, done);
      else done(result);
    } catch (error) {
      this.#replies.fail(request, errnoOf(error));
    }
  }

  async #later<T>(
    request: NumberedRequest,
    heldBytes: number,
    result: Promise<T>,
    done: (result: T) => void,
  ): Promise<void> {
    const { isOver, onDone } = this.#options;
    this.#busy++;
    this.#busyBytes += heldBytes;
    try {
      const value = await result;
      if (!isOver()) done(value);
    } catch (error) {
      if (!isOver()) this.#replies.fail(request, errnoOf(error));
    } finally {
      this.#busy--;
      this.#busyBytes -= heldBytes;
      onDone();
    }
  }
}

/** Content of every part, in order; nothing for holes. A promise only if the device needs one. */
function readEach(device: ExportDevice, parts: readonly ReadPart[]): Pieces[] | Promise<Pieces[]> {
  const contents = parts.map(({ offset, length, isHole }) => (isHole ? [] : device.read(offset, length)));
  return contents.some((content) => content instanceof Promise)
    ? Promise.all(contents.map(async (content) => content))
    : (contents as Pieces[]);
}

/**
 * Where replies go. Faults are filters round it (`simulator/fault/nbd-faults.ts`): they see the plain bytes of
 * replies, never TLS records, whose lengths differ from run to run.
 */
import type { Duplex } from 'node:stream';

export interface ReplyOutput {
  /** Holds writes back until `uncork`, so that they leave in one system call. Nests. */
  cork(): void;
  uncork(): void;
  /** The bytes must not change afterwards. `sent` is called when they have left this process, or never. */
  write(bytes: Uint8Array, sent?: () => void): void;
  /** Bytes that were written and have not left yet. */
  readonly queuedBytes: number;
  /** What was written last did not go out as it was, or nothing goes out any more. */
  readonly isCut: boolean;
  /** Sets the one function to be called when `queuedBytes` has come back to zero after a pile-up. */
  onDrain(listener: () => void): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Breaks the connection at once. */
  reset(why: string): void;
}

/** A filter puts itself between the server and an output. */
export type OutputFilter = (inner: ReplyOutput) => ReplyOutput;

/** The output at the bottom: a stream. */
export function createStreamOutput(stream: Duplex, reset: (why: string) => void): ReplyOutput {
  return new StreamOutput(stream, reset);
}

class StreamOutput implements ReplyOutput {
  readonly isCut = false;
  readonly reset: (why: string) => void;
  readonly #stream: Duplex;

  constructor(stream: Duplex, reset: (why: string) => void) {
    this.#stream = stream;
    this.reset = reset;
  }

  get queuedBytes(): number {
    return this.#stream.writableLength;
  }

  cork(): void {
    this.#stream.cork();
  }

  uncork(): void {
    this.#stream.uncork();
  }

  write(bytes: Uint8Array, sent?: () => void): void {
    if (sent === undefined) this.#stream.write(bytes);
    else this.#stream.write(bytes, (error) => (error ? undefined : sent()));
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener);
  }

  end(): void {
    this.#stream.end();
  }
}

/**
 * What can happen to the replies of an NBD connection on their way out.
 *
 * Model: a filter stands between the server and the stream and sees the plain bytes of replies, in order, after the
 * handshake. It may hold them back, cut them into pieces, put garbage in their place, or end the connection; it never
 * reorders or damages them half, because TCP would not. Requests have had their effect by then (a lost reply is not a lost request). Counting plain
 * bytes rather than TLS records keeps a run repeatable: the length of a signature, and so of a record, is chance.
 *
 * Filters stack: the last one of a list is the first that sees a reply.
 */
import type { Clock } from '../../src/kernel/clock.ts';
import { CHUNK_MAGIC, SIMPLE_REPLY_MAGIC } from '../../src/nbd/wire/constants.ts';
import type { OutputFilter, ReplyOutput } from '../nbd/reply-output.ts';
import type { FaultKind } from './fault-api.ts';

/** The planned faults that are carried out here. */
export const OUTPUT_FAULT_KINDS = [
  'drop-after-bytes',
  'silence-after-bytes',
  'one-byte-at-a-time',
  'garbage-after-bytes',
] as const satisfies readonly FaultKind['kind'][];

/** Filters for the faults among `faults` that concern replies; the others are passed over. */
export function createOutputFilters(faults: readonly FaultKind[]): OutputFilter[] {
  return faults.flatMap((fault): OutputFilter[] => {
    switch (fault.kind) {
      case 'drop-after-bytes':
        return [dropAfterBytes(fault.bytes)];
      case 'silence-after-bytes':
        return [silenceAfterBytes(fault.bytes)];
      case 'one-byte-at-a-time':
        return [oneByteAtATime()];
      case 'garbage-after-bytes':
        return [garbageAfterBytes(fault.bytes)];
      default:
        return [];
    }
  });
}

/** The connection is reset when `limitBytes` of replies have gone out; the last piece is cut to fit. */
export function dropAfterBytes(limitBytes: number): OutputFilter {
  return (inner) => {
    const reset = (): void => inner.reset(`fault: dropped after ${limitBytes} bytes`);
    return limited(inner, limitBytes, (lastPiece) => inner.write(lastPiece, reset));
  };
}

/** After `limitBytes` of replies nothing more is said, and the connection stays up until the client ends it. */
export function silenceAfterBytes(limitBytes: number): OutputFilter {
  return (inner) => limited(inner, limitBytes, (lastPiece) => inner.write(lastPiece));
}

/**
 * From the first reply on that begins at `limitBytes` or later, every byte is another one, so that its magic number
 * tells. A reply is written from its header on, never two in one piece.
 */
export function garbageAfterBytes(limitBytes: number): OutputFilter {
  return (inner) => {
    let sentBytes = 0;
    let isGarbage = false;
    return {
      ...pass(inner),
      get queuedBytes() {
        return inner.queuedBytes;
      },
      get isCut() {
        return isGarbage || inner.isCut;
      },
      write(bytes, sent) {
        isGarbage ||= sentBytes >= limitBytes && isHeader(bytes);
        sentBytes += bytes.length;
        inner.write(isGarbage ? new Uint8Array(bytes.length).fill(GARBAGE) : bytes, sent);
      },
    };
  };
}

const GARBAGE = 0xa5;

function isHeader(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const magic = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  return magic === SIMPLE_REPLY_MAGIC || magic === CHUNK_MAGIC;
}

/** Every byte is a write of its own. */
export function oneByteAtATime(): OutputFilter {
  return (inner) => ({
    ...pass(inner),
    get queuedBytes() {
      return inner.queuedBytes;
    },
    get isCut() {
      return inner.isCut;
    },
    cork: () => undefined,
    uncork: () => undefined,
    write(bytes, sent) {
      if (bytes.length === 0) inner.write(bytes, sent);
      for (let at = 0; at < bytes.length; at++) {
        inner.write(bytes.subarray(at, at + 1), at === bytes.length - 1 ? sent : undefined);
      }
    },
  });
}

/** Every reply leaves `delayMs` later than it would. */
export function delayReplies(delayMs: number, clock: Clock): OutputFilter {
  return (inner) => {
    let heldBytes = 0;
    let onDrain = (): void => undefined;
    const later = (go: () => void): void => void clock.setTimer(clock.now() + delayMs, go);
    return {
      cork: () => undefined,
      uncork: () => undefined,
      get queuedBytes() {
        return heldBytes + inner.queuedBytes;
      },
      get isCut() {
        return inner.isCut;
      },
      write(bytes, sent) {
        heldBytes += bytes.length;
        later(() => {
          heldBytes -= bytes.length;
          inner.write(bytes, sent);
          if (heldBytes + inner.queuedBytes === 0) onDrain();
        });
      },
      onDrain(listener) {
        onDrain = listener;
        inner.onDrain(() => (heldBytes === 0 ? listener() : undefined));
      },
      end: () => later(() => inner.end()),
      reset: (why) => inner.reset(why),
    };
  };
}

/** Lets `limitBytes` through; `atLimit` gets the last piece, and everything after it is swallowed. */
function limited(
  inner: ReplyOutput,
  limitBytes: number,
  atLimit: (lastPiece: Uint8Array) => void,
): ReplyOutput {
  let leftBytes = limitBytes;
  let hasSwallowed = false;
  return {
    ...pass(inner),
    get queuedBytes() {
      return inner.queuedBytes;
    },
    get isCut() {
      return hasSwallowed || inner.isCut;
    },
    write(bytes, sent) {
      hasSwallowed ||= bytes.length > Math.max(leftBytes, 0);
      if (leftBytes < 0) return;
      if (bytes.length < leftBytes) {
        leftBytes -= bytes.length;
        return inner.write(bytes, sent);
      }
      const lastPiece = bytes.subarray(0, leftBytes);
      leftBytes = -1;
      atLimit(lastPiece);
    },
  };
}

function pass(inner: ReplyOutput): Omit<ReplyOutput, 'queuedBytes' | 'isCut'> {
  return {
    cork: () => inner.cork(),
    uncork: () => inner.uncork(),
    write: (bytes, sent) => inner.write(bytes, sent),
    onDrain: (listener) => inner.onDrain(listener),
    end: () => inner.end(),
    reset: (why) => inner.reset(why),
  };
}

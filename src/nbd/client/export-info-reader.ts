/** Size, flags and block sizes of an export, as the answers to GO give them, checked. */
import { DEFAULT_MAX_PAYLOAD_BYTES, TRANSMISSION_FLAG } from '../wire/constants.ts';
import { type InfoReply, parseInfoReply } from '../wire/parse-option.ts';
import { NbdProtocolError } from './errors.ts';

export interface ExportLimits {
  readonly sizeBytes: number;
  readonly flags: number;
  readonly minBlockBytes: number;
  readonly preferredBlockBytes: number;
  readonly maxBlockBytes: number;
}

type BlockSizes = Omit<Extract<InfoReply, { info: 'block-size' }>, 'info'>;

/** What holds when the server says nothing. */
const DEFAULT_SIZES: BlockSizes = { min: 1, preferred: 4096, max: DEFAULT_MAX_PAYLOAD_BYTES };
const MAX_MIN_BLOCK_BYTES = 65_536;
/** Infos to one GO; the protocol knows four kinds. */
const MAX_INFOS = 256;

export class ExportInfoReader {
  #infos = 0;
  #export: { readonly sizeBytes: number; readonly flags: number } | undefined;
  #sizes = DEFAULT_SIZES;

  /** @throws NbdProtocolError for one that makes no sense, or one too many */
  take(data: Buffer): void {
    if (++this.#infos > MAX_INFOS) throw new NbdProtocolError('endless INFO replies');
    const info = parseInfoReply(data);
    if (info === undefined) throw new NbdProtocolError('malformed INFO reply');
    if (info.info === 'export') this.#export = checkExport(info);
    if (info.info === 'block-size') this.#sizes = checkSizes(info);
  }

  /** @throws NbdProtocolError when something is missing or does not fit together */
  finish(): ExportLimits {
    const { min, preferred, max } = this.#sizes;
    if (this.#export === undefined) throw new NbdProtocolError('no INFO_EXPORT');
    if (this.#export.sizeBytes % min !== 0) {
      throw new NbdProtocolError(`size ${this.#export.sizeBytes} is no multiple of block size ${min}`);
    }
    return { ...this.#export, minBlockBytes: min, preferredBlockBytes: preferred, maxBlockBytes: max };
  }
}

function checkExport({ sizeBytes, flags }: { sizeBytes: number; flags: number }): {
  sizeBytes: number;
  flags: number;
} {
  if (!Number.isSafeInteger(sizeBytes)) throw new NbdProtocolError('export of 2^53 bytes or more');
  if ((flags & TRANSMISSION_FLAG.HAS_FLAGS) === 0)
    throw new NbdProtocolError('transmission flags without HAS_FLAGS');
  return { sizeBytes, flags };
}

function checkSizes(sizes: BlockSizes): BlockSizes {
  const { min, preferred, max } = sizes;
  const isSane =
    isPowerOfTwo(min) &&
    min <= MAX_MIN_BLOCK_BYTES &&
    isPowerOfTwo(preferred) &&
    preferred >= min &&
    max >= min;
  if (!isSane) throw new NbdProtocolError(`block sizes ${min}, ${preferred}, ${max}`);
  return sizes;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

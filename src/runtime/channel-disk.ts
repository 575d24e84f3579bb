/** A disk in a proxy's guest, as the engine reads and writes it, through the channel to the agent there. */
import type { OpenDisk } from '../engine/proxy-agent.ts';
import type { ChannelDevice } from '../guest-channel/channel-devices.ts';
import { SECTOR_BYTES } from '../guest-channel/channel-frame.ts';
import { alignOutward, type Range, splitRange } from '../nbd/client/split-range.ts';
import { TRANSMISSION_FLAG } from '../nbd/wire/constants.ts';

/** Asks the agent. Throws in the engine's terms. */
export type AskGuest = (
  words: readonly (string | number)[],
  payload: Uint8Array | undefined,
  signal: AbortSignal | undefined,
) => Promise<Buffer>;

/** A quarter of what the protocol allows: the agent moves one piece while the one before is on its way. */
const PIECE_BYTES = 1024 * 1024;

export function openChannelDisk(device: ChannelDevice, ask: AskGuest): OpenDisk {
  const disk = [device.name, device.sequence];
  const readSectors = (range: Range, signal?: AbortSignal): Promise<Buffer> =>
    ask(['read', ...disk, range.offset, range.length], undefined, signal);
  const read = async (range: Range, signal?: AbortSignal): Promise<Buffer> => {
    const whole = alignOutward(range.offset, range.length, SECTOR_BYTES);
    const bytes = await readSectors(whole, signal);
    const start = range.offset - whole.offset;
    return start === 0 && bytes.length === range.length ? bytes : bytes.subarray(start, start + range.length);
  };
  /** Where a piece does not fill its sectors, what is beside it is read first. */
  const write = async (range: Range, data: Uint8Array, signal?: AbortSignal): Promise<void> => {
    const whole = alignOutward(range.offset, range.length, SECTOR_BYTES);
    const isWhole = whole.length === range.length;
    const bytes = isWhole ? data : Buffer.from(await readSectors(whole, signal));
    if (!isWhole) bytes.set(data, range.offset - whole.offset);
    await ask(['write', ...disk, whole.offset, whole.length], bytes, signal);
  };
  const flush = async (signal?: AbortSignal): Promise<void> => {
    await ask(['flush', ...disk], undefined, signal);
  };
  return {
    info: infoOf(device),
    reconnects: 0,
    async read(offset, length, signal) {
      const pieces = splitRange(offset, length, PIECE_BYTES);
      const parts = await Promise.all(pieces.map((piece) => read(piece, signal)));
      const [first] = parts;
      return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
    },
    async write(offset, data, { fua = false } = {}, signal) {
      const pieces = splitRange(offset, data.length, PIECE_BYTES);
      const part = (piece: Range): Uint8Array =>
        data.subarray(piece.offset - offset, piece.offset - offset + piece.length);
      await Promise.all(pieces.map((piece) => write(piece, part(piece), signal)));
      if (fua) await flush(signal);
    },
    async writeZeroes(offset, length, _options, signal) {
      const start = Math.ceil(offset / SECTOR_BYTES) * SECTOR_BYTES;
      const end = Math.floor((offset + length) / SECTOR_BYTES) * SECTOR_BYTES;
      if (end <= start) return write({ offset, length }, new Uint8Array(length), signal);
      await ask(['zero', ...disk, start, end - start], undefined, signal);
      if (start > offset)
        await write({ offset, length: start - offset }, new Uint8Array(start - offset), signal);
      const rest = offset + length - end;
      if (rest > 0) await write({ offset: end, length: rest }, new Uint8Array(rest), signal);
    },
    flush,
    async blockStatus() {
      throw new Error('a device in a guest cannot be asked for its extents');
    },
    async close() {
      // The agent keeps no disk open.
    },
  };
}

function infoOf({ sizeBytes, isReadOnly }: ChannelDevice): OpenDisk['info'] {
  const { HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_FUA, SEND_WRITE_ZEROES } = TRANSMISSION_FLAG;
  return {
    sizeBytes,
    isReadOnly,
    flags: HAS_FLAGS | (isReadOnly ? READ_ONLY : SEND_FLUSH | SEND_FUA | SEND_WRITE_ZEROES),
    minBlockBytes: SECTOR_BYTES,
    preferredBlockBytes: 64 * 1024,
    maxBlockBytes: PIECE_BYTES,
    metaContexts: [],
  };
}

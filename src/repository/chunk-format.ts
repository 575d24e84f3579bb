/**
 * A chunk as a file: 24 bytes of header, then the payload. All numbers little-endian.
 *
 *   0  8  magic `BKLTCHNK`
 *   8  1  version, 1
 *   9  1  coding: 0 raw, 1 zstd
 *  10  2  zero
 *  12  4  size of the plain bytes
 *  16  4  size of the payload
 *  20  4  CRC-32 of bytes 0-19 and, when compressed, the payload
 *
 * The name of the file, SHA-256 of the plain bytes, is the proof. The CRC covers what that can't see: the header, and
 * those bits of a zstd frame that decompression ignores.
 */
import { crc32 } from 'node:zlib';
import type { Codec } from './codec.ts';
import { CorruptChunk, messageOf } from './errors.ts';

const MAGIC = Buffer.from('BKLTCHNK');
const VERSION = 1;
const HEADER_BYTES = 24;
const CRC_AT = 20;
const CODING_RAW = 0;
const CODING_ZSTD = 1;

/** Compressing this much, spread over the chunk, tells whether the rest is worth it. */
const SAMPLE_PIECES = 8;
const SAMPLE_PIECE_BYTES = 4096;
/** Less gain than this is not worth the time to compress now and to decompress at every read. */
const WORTHWHILE_RATIO = 0.97;

export async function encodeChunk(plain: Uint8Array, codec: Codec): Promise<Uint8Array> {
  if (!(await isWorthCompressing(plain, codec))) return frame(CODING_RAW, plain, plain.length);
  const packed = await codec.compress(plain);
  return packed.length < plain.length * WORTHWHILE_RATIO
    ? frame(CODING_ZSTD, packed, plain.length)
    : frame(CODING_RAW, plain, plain.length);
}

/** @throws CorruptChunk unless `file` is whole; that the bytes are those of its name is for the caller to check */
export async function decodeChunk(file: Uint8Array, codec: Codec): Promise<Uint8Array> {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  checkHeader(view);
  const payload = view.subarray(HEADER_BYTES);
  const sizeBytes = view.readUInt32LE(12);
  const plain = view[9] === CODING_RAW ? payload : await decompress(payload, sizeBytes, codec);
  if (plain.length !== sizeBytes)
    throw new CorruptChunk(`holds ${plain.length} bytes instead of ${sizeBytes}`);
  return plain;
}

function frame(coding: number, payload: Uint8Array, plainBytes: number): Uint8Array {
  const file = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  MAGIC.copy(file);
  file[8] = VERSION;
  file[9] = coding;
  file.writeUInt16LE(0, 10);
  file.writeUInt32LE(plainBytes, 12);
  file.writeUInt32LE(payload.length, 16);
  file.set(payload, HEADER_BYTES);
  file.writeUInt32LE(checksum(file), CRC_AT);
  return file;
}

function checkHeader(file: Buffer): void {
  if (file.length < HEADER_BYTES) throw new CorruptChunk(`is cut short: ${file.length} bytes`);
  if (!file.subarray(0, 8).equals(MAGIC)) throw new CorruptChunk('is not a chunk (wrong magic)');
  if (file[8] !== VERSION) throw new CorruptChunk(`has version ${file[8]}; this program knows ${VERSION}`);
  const payloadBytes = file.readUInt32LE(16);
  if (file.length !== HEADER_BYTES + payloadBytes) {
    throw new CorruptChunk(`has ${file.length - HEADER_BYTES} bytes of payload instead of ${payloadBytes}`);
  }
  if (file.readUInt32LE(CRC_AT) !== checksum(file)) throw new CorruptChunk('does not match its checksum');
  if (file[9] !== CODING_RAW && file[9] !== CODING_ZSTD)
    throw new CorruptChunk(`has unknown coding ${file[9]}`);
}

function checksum(file: Uint8Array): number {
  const ofHeader = crc32(file.subarray(0, CRC_AT));
  return file[9] === CODING_RAW ? ofHeader : crc32(file.subarray(HEADER_BYTES), ofHeader);
}

async function decompress(payload: Uint8Array, sizeBytes: number, codec: Codec): Promise<Uint8Array> {
  try {
    return await codec.decompress(payload, sizeBytes);
  } catch (error) {
    throw new CorruptChunk(`does not decompress: ${messageOf(error)}`, { cause: error });
  }
}

async function isWorthCompressing(plain: Uint8Array, codec: Codec): Promise<boolean> {
  if (plain.length <= 2 * SAMPLE_PIECES * SAMPLE_PIECE_BYTES) return true;
  const sample = sampleOf(plain);
  return (await codec.compress(sample)).length < sample.length * WORTHWHILE_RATIO;
}

function sampleOf(plain: Uint8Array): Uint8Array {
  const sample = Buffer.allocUnsafe(SAMPLE_PIECES * SAMPLE_PIECE_BYTES);
  const step = Math.floor((plain.length - SAMPLE_PIECE_BYTES) / (SAMPLE_PIECES - 1));
  for (let piece = 0; piece < SAMPLE_PIECES; piece++) {
    sample.set(plain.subarray(piece * step, piece * step + SAMPLE_PIECE_BYTES), piece * SAMPLE_PIECE_BYTES);
  }
  return sample;
}

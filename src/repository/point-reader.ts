import type { Codec } from './codec.ts';
import { loadChunk } from './chunk-store.ts';
import type { ChunkPiece, DiskImage } from './disk-image.ts';
import { CorruptChunk } from './errors.ts';
import type { Manifest } from './manifest.ts';
import { mapLimited } from './map-limited.ts';
import type { PointInfo, PointReader } from './repository-api.ts';
import type { Storage } from './storage.ts';

/** Plain chunks kept, so that small reads in order load each chunk once. */
const CACHED_CHUNKS = 6;
const LOADS_AT_ONCE = 4;

/** Reads one point; holds nothing open, so it needs no closing. */
export class StoredPointReader implements PointReader {
  readonly info: PointInfo;
  readonly #storage: Storage;
  readonly #codec: Codec;
  readonly #images: ReadonlyMap<string, DiskImage>;
  /** In order of last use. */
  readonly #cache = new Map<string, Promise<Uint8Array>>();

  constructor(storage: Storage, codec: Codec, manifest: Manifest) {
    this.info = manifest.info;
    this.#storage = storage;
    this.#codec = codec;
    this.#images = new Map(manifest.images.map((image) => [image.deviceId, image]));
  }

  async read(deviceId: string, offset: number, length: number): Promise<Uint8Array> {
    const image = this.#image(deviceId);
    image.checkRange(offset, length);
    const pieces = [...image.pieces(offset, length)];
    const [only] = pieces;
    if (only !== undefined && pieces.length === 1)
      return (await this.#readPiece(image, only)) ?? new Uint8Array(length);
    const out = new Uint8Array(length);
    await mapLimited(pieces, LOADS_AT_ONCE, async (piece) => {
      const bytes = await this.#readPiece(image, piece);
      if (bytes !== undefined) out.set(bytes, piece.index * image.chunkBytes + piece.from - offset);
    });
    return out;
  }

  /** A view into the cached chunk; `undefined` for zeros. */
  async #readPiece(image: DiskImage, { index, from, to }: ChunkPiece): Promise<Uint8Array | undefined> {
    const hash = image.hashAt(index);
    if (hash === undefined) return undefined;
    const plain = await this.#load(hash);
    checkLength(image, index, hash, plain.length);
    return plain.subarray(from, to);
  }

  dataRanges(deviceId: string): readonly { readonly offset: number; readonly length: number }[] {
    return this.#image(deviceId).dataRanges();
  }

  #image(deviceId: string): DiskImage {
    const image = this.#images.get(deviceId);
    if (image === undefined) throw new RangeError(`restore point ${this.info.id} has no disk ${deviceId}`);
    return image;
  }

  #load(hash: string): Promise<Uint8Array> {
    const loading = this.#cache.get(hash) ?? this.#loadUncached(hash);
    this.#cache.delete(hash);
    this.#cache.set(hash, loading);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHED_CHUNKS) break;
      this.#cache.delete(oldest);
    }
    return loading;
  }

  #loadUncached(hash: string): Promise<Uint8Array> {
    const loading = loadChunk(this.#storage, this.#codec, hash);
    // A failed load must not answer later reads: the storage may recover.
    loading.catch(() => this.#cache.delete(hash));
    return loading;
  }
}

export function checkLength(image: DiskImage, index: number, hash: string, plainBytes: number): void {
  if (plainBytes === image.lengthOf(index)) return;
  const expected = `instead of the ${image.lengthOf(index)} that ${image.deviceId} has there`;
  throw new CorruptChunk(`chunk ${hash} holds ${plainBytes} bytes ${expected}`);
}

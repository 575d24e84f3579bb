/** Chunks on a storage, by hash. */
import type { Codec } from './codec.ts';
import { decodeChunk, encodeChunk } from './chunk-format.ts';
import { writeWhole } from './durable-write.ts';
import { CorruptChunk } from './errors.ts';
import { chunkFolder, chunkPath, temporaryPath } from './layout.ts';
import { mapLimited } from './map-limited.ts';
import { type Storage, StorageNotFound } from './storage.ts';

const SYNCS_AT_ONCE = 8;

/** The plain bytes of a chunk, compared with its name. @throws CorruptChunk */
export async function loadChunk(storage: Storage, codec: Codec, hash: string): Promise<Uint8Array> {
  const file = await readChunkFile(storage, hash);
  try {
    const plain = await decodeChunk(file, codec);
    const found = await codec.hash(plain);
    if (found !== hash) throw new CorruptChunk(`holds other bytes (SHA-256 ${found})`);
    return plain;
  } catch (error) {
    if (!(error instanceof CorruptChunk)) throw error;
    throw new CorruptChunk(`chunk ${hash} ${error.message}`, { cause: error });
  }
}

async function readChunkFile(storage: Storage, hash: string): Promise<Uint8Array> {
  try {
    return await storage.read(chunkPath(hash));
  } catch (error) {
    if (error instanceof StorageNotFound)
      throw new CorruptChunk(`chunk ${hash} is missing`, { cause: error });
    throw error;
  }
}

/** Stores the chunks of one point under construction, each at most once. */
export class ChunkSink {
  readonly #storage: Storage;
  readonly #codec: Codec;
  readonly #owner: string;
  readonly #stored = new Map<string, Promise<void>>();
  #temporaries = 0;

  constructor(storage: Storage, codec: Codec, owner: string) {
    this.#storage = storage;
    this.#codec = codec;
    this.#owner = owner;
  }

  /** Returns the chunk's hash once a whole chunk is under that name; `syncNames` makes it durable. */
  async store(plain: Uint8Array): Promise<string> {
    const hash = await this.#codec.hash(plain);
    const underWay = this.#stored.get(hash) ?? this.#storeNew(hash, plain);
    this.#stored.set(hash, underWay);
    await underWay;
    return hash;
  }

  /**
   * Makes the names of all chunks durable, those that were there before too: another writer may have left them
   * without having come to its own sync.
   */
  async syncNames(): Promise<void> {
    const folders = new Set([...this.#stored.keys()].map(chunkFolder));
    await mapLimited([...folders].sort(), SYNCS_AT_ONCE, (folder) => this.#storage.sync(folder));
  }

  async #storeNew(hash: string, plain: Uint8Array): Promise<void> {
    if (await this.#isHeld(hash, plain)) return;
    const file = await encodeChunk(plain, this.#codec);
    await writeWhole(this.#storage, chunkPath(hash), file, temporaryPath(this.#owner, this.#temporaries++));
  }

  /** Reads what is there instead of trusting its name: cheaper than compressing, and it heals a damaged chunk. */
  async #isHeld(hash: string, plain: Uint8Array): Promise<boolean> {
    if (!(await this.#storage.exists(chunkPath(hash)))) return false;
    try {
      const held = await decodeChunk(await this.#storage.read(chunkPath(hash)), this.#codec);
      return Buffer.compare(held, plain) === 0;
    } catch (error) {
      if (error instanceof CorruptChunk || error instanceof StorageNotFound) return false;
      throw error;
    }
  }
}

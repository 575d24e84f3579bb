/** Small JSON documents of the engines, each replaced as a whole and durable when the call returns. */
import type { IdSource } from '../kernel/ids.ts';
import type { Json } from '../kernel/journal.ts';
import type { Codec } from './codec.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import { writeWhole } from './durable-write.ts';
import { DamagedDocument } from './errors.ts';
import { nameOfDocument, NOTES, notePath, temporaryPath } from './layout.ts';
import { type Storage, StorageNotFound } from './storage.ts';

const KIND = 'note';

export class Notes {
  readonly #storage: Storage;
  readonly #codec: Codec;
  readonly #ids: IdSource;

  constructor(storage: Storage, codec: Codec, ids: IdSource) {
    this.#storage = storage;
    this.#codec = codec;
    this.#ids = ids;
  }

  /** @throws DamagedDocument */
  async read(key: string): Promise<Json | undefined> {
    const path = notePath(key);
    try {
      return await decodeDocument(KIND, await this.#storage.read(path), this.#codec);
    } catch (error) {
      if (error instanceof StorageNotFound) return undefined;
      if (error instanceof DamagedDocument)
        throw new DamagedDocument(`${path} ${error.message}`, { cause: error });
      throw error;
    }
  }

  async write(key: string, value: Json): Promise<void> {
    const bytes = await encodeDocument(KIND, value, this.#codec);
    try {
      await this.#writeOnce(key, bytes);
    } catch (error) {
      // A sweep took the temporary for a leftover: notes are written without a lock.
      if (!(error instanceof StorageNotFound)) throw error;
      await this.#writeOnce(key, bytes);
    }
    await this.#storage.sync(NOTES);
  }

  async remove(key: string): Promise<void> {
    if (!(await this.#storage.exists(notePath(key)))) return;
    await this.#storage.remove(notePath(key));
    await this.#storage.sync(NOTES);
  }

  async keys(): Promise<readonly string[]> {
    const names = (await this.#storage.list(NOTES)).map(nameOfDocument);
    return names.filter((name) => name !== undefined).map(decodeURIComponent);
  }

  #writeOnce(key: string, bytes: Uint8Array): Promise<void> {
    return writeWhole(this.#storage, notePath(key), bytes, temporaryPath('note', this.#ids.hex(12)));
  }
}

/**
 * Which points there are. Nothing but the manifests says so, so there is no index that could be lost or disagree.
 */
import type { Codec } from './codec.ts';
import { DamagedDocument, messageOf, PointNotFound } from './errors.ts';
import { nameOfDocument, POINTS, pointPath } from './layout.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { mapLimited } from './map-limited.ts';
import type { PointInfo } from './repository-api.ts';
import { type Storage, StorageNotFound } from './storage.ts';
import { StorageFailure } from './storage-failure.ts';

const READS_AT_ONCE = 4;

export interface CatalogEntry {
  readonly info: PointInfo;
  readonly sequence: number;
}

export interface DamagedPoint {
  readonly id: string;
  readonly problem: string;
}

export class Catalog {
  readonly #storage: Storage;
  readonly #codec: Codec;
  /** A manifest never changes under its id, so what was read once stays true while the file is listed. */
  readonly #known = new Map<string, CatalogEntry>();

  constructor(storage: Storage, codec: Codec) {
    this.#storage = storage;
    this.#codec = codec;
  }

  /** Committed points oldest first, and what is in their place but can't be read. */
  async list(): Promise<{ entries: readonly CatalogEntry[]; damaged: readonly DamagedPoint[] }> {
    const found = await mapLimited(await this.ids(), READS_AT_ONCE, (id) => this.#entry(id));
    const present = found.filter((each) => each !== undefined);
    return {
      entries: present.filter((each) => 'info' in each).sort(byAge),
      damaged: present.filter((each) => 'problem' in each),
    };
  }

  /** Ids of everything that looks like a point, readable or not. */
  async ids(): Promise<string[]> {
    return (await this.#storage.list(POINTS)).map(nameOfDocument).filter((id) => id !== undefined);
  }

  /** @throws PointNotFound, DamagedDocument */
  async manifest(id: string): Promise<Manifest> {
    try {
      return await readManifest(this.#storage, this.#codec, id);
    } catch (error) {
      if (error instanceof StorageNotFound)
        throw new PointNotFound(`there is no restore point ${id}`, { cause: error });
      throw error;
    }
  }

  has(id: string): Promise<boolean> {
    return this.#storage.exists(pointPath(id));
  }

  async #entry(id: string): Promise<CatalogEntry | DamagedPoint | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    try {
      const { info, sequence } = await readManifest(this.#storage, this.#codec, id);
      this.#known.set(id, { info, sequence });
      return { info, sequence };
    } catch (error) {
      if (error instanceof StorageNotFound) return undefined;
      if (error instanceof DamagedDocument || isBadSector(error)) return { id, problem: messageOf(error) };
      throw error;
    }
  }
}

/** Part of the medium is gone, which must not take the other points with it. */
function isBadSector(error: unknown): boolean {
  return error instanceof StorageFailure && error.code === 'EIO';
}

/** In the order in which they were begun. The clock comes second: it may have been set back in between. */
function byAge(a: CatalogEntry, b: CatalogEntry): number {
  return (
    a.sequence - b.sequence || a.info.createdAtMs - b.info.createdAtMs || (a.info.id < b.info.id ? -1 : 1)
  );
}

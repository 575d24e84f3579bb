/** A restore point under construction; see `PointWriter` for the promises. */
import type { Json } from '../kernel/journal.ts';
import { ChunkAssembler } from './chunk-assembler.ts';
import { ChunkSink, loadChunk } from './chunk-store.ts';
import type { Codec } from './codec.ts';
import type { DiskImage } from './disk-image.ts';
import { removeQuietly, writeWhole } from './durable-write.ts';
import { CorruptChunk, PointClosed } from './errors.ts';
import { chunkPath, POINTS, pointPath, temporaryPath } from './layout.ts';
import type { Lock } from './lock.ts';
import { encodeManifest, type Manifest } from './manifest.ts';
import { mapLimited } from './map-limited.ts';
import type { PointInfo, PointWriter } from './repository-api.ts';
import type { Storage } from './storage.ts';

const CHECKS_AT_ONCE = 8;

export interface WriterParts {
  readonly storage: Storage;
  readonly codec: Codec;
  readonly lock: Lock;
  /** A new lock for one that ran out. */
  readonly relock: () => Promise<Lock>;
  /** Names this writer's temporaries. */
  readonly owner: string;
  /** Without the engine's part. Its images start as the base's and become the point's. */
  readonly manifest: Manifest;
  /** Chunks assembled at once; bounds memory to about three times as many chunk sizes. */
  readonly openChunks: number;
}

export class StoredPointWriter implements PointWriter {
  readonly #parts: WriterParts;
  readonly #chunks: ChunkSink;
  readonly #assembler: ChunkAssembler;
  readonly #pending = new Set<Promise<void>>();
  #lock: Lock;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;

  constructor(parts: WriterParts) {
    const { storage, codec, owner, manifest, openChunks } = parts;
    this.#parts = parts;
    this.#lock = parts.lock;
    this.#chunks = new ChunkSink(storage, codec, owner);
    const access = {
      store: (plain: Uint8Array) => this.#chunks.store(plain),
      load: (hash: string) => loadChunk(storage, codec, hash),
    };
    this.#assembler = new ChunkAssembler(access, manifest.chunkBytes, openChunks);
  }

  write(deviceId: string, offset: number, data: Uint8Array): Promise<void> {
    return this.#track(() => this.#assembler.write(this.#image(deviceId), offset, data));
  }

  writeZeros(deviceId: string, offset: number, length: number): Promise<void> {
    return this.#track(() => this.#assembler.writeZeros(this.#image(deviceId), offset, length));
  }

  /** Stores the chunk at the end of a disk whose size differs from the base's in its new length. */
  resizeChunk(image: DiskImage, index: number): Promise<void> {
    return this.#track(() => this.#assembler.rewrite(image, index));
  }

  async commit(engine: { readonly [key: string]: Json }): Promise<PointInfo> {
    this.#close();
    try {
      await Promise.allSettled(this.#pending);
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#assembler.finish();
      await this.#chunks.syncNames();
      const manifest = { ...this.#parts.manifest, info: { ...this.#parts.manifest.info, engine } };
      await this.#publish(manifest);
      return manifest.info;
    } catch (error) {
      await this.#assembler.discard(error);
      throw error;
    } finally {
      await this.#lock.lower();
    }
  }

  async abort(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#assembler.discard(new PointClosed(`restore point ${this.#id} was aborted`));
    await Promise.allSettled(this.#pending);
    await this.#lock.lower();
  }

  get #id(): string {
    return this.#parts.manifest.info.id;
  }

  async #publish(manifest: Manifest): Promise<void> {
    const { storage, codec, owner } = this.#parts;
    const bytes = await encodeManifest(manifest, codec);
    if (this.#lock.isLapsed) await this.#surviveLapse();
    const path = pointPath(this.#id);
    await writeWhole(storage, path, bytes, temporaryPath(owner, 'point'));
    try {
      await storage.sync(POINTS);
    } catch (error) {
      // The caller is told that there is no point, so there must be none.
      await removeQuietly(storage, path);
      throw error;
    }
  }

  /** The lock ran out in between (a suspended machine), so a sweep may have taken chunks that only this point wants. */
  async #surviveLapse(): Promise<void> {
    this.#lock = await this.#parts.relock();
    const hashes = new Set(
      this.#parts.manifest.images.flatMap((image) => image.entries().map(([, hash]) => hash)),
    );
    await mapLimited([...hashes], CHECKS_AT_ONCE, async (hash) => {
      if (await this.#parts.storage.exists(chunkPath(hash))) return;
      throw new CorruptChunk(`chunk ${hash} was pruned while this backup stood still: run it again`);
    });
  }

  /** `commit` waits for writes that the caller did not. */
  #track(work: () => Promise<void>): Promise<void> {
    if (this.#isClosed) return Promise.reject(new PointClosed(`restore point ${this.#id} is closed`));
    const pending = this.#renewThen(work);
    this.#pending.add(pending);
    const forget = (): boolean => this.#pending.delete(pending);
    pending.then(forget, forget);
    return pending;
  }

  async #renewThen(work: () => Promise<void>): Promise<void> {
    try {
      await this.#lock.renewIfDue();
      await work();
    } catch (error) {
      // A point without bytes that somebody meant to write must not come into being, heard or unheard.
      this.#failure ??= { error };
      throw error;
    }
  }

  #close(): void {
    if (this.#isClosed) throw new PointClosed(`restore point ${this.#id} is closed`);
    this.#isClosed = true;
  }

  #image(deviceId: string): DiskImage {
    const image = this.#parts.manifest.images.find((each) => each.deviceId === deviceId);
    if (image === undefined) throw new RangeError(`the restore point has no disk ${deviceId}`);
    return image;
  }
}

/**
 * The backup repository: restore points over any `Storage`.
 *
 * The model: chunks named by their content, and one manifest per point that names the chunks of its disks. A point
 * exists exactly when its manifest does; the manifest appears in one step after everything it names is durable. Nothing
 * is ever changed in place, so writers, readers and other processes need no coordination except with the sweep of
 * unreferenced chunks (`lock.ts`).
 */
import type { Clock } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import { Catalog } from './catalog.ts';
import type { Codec } from './codec.ts';
import { DiskImage } from './disk-image.ts';
import { raiseWriterLock } from './lock.ts';
import type { Manifest } from './manifest.ts';
import { Notes } from './notes.ts';
import { createPointId } from './point-id.ts';
import { StoredPointReader } from './point-reader.ts';
import { StoredPointWriter } from './point-writer.ts';
import { prunePoints } from './prune.ts';
import type { NewPoint, PointWriter, Repository } from './repository-api.ts';
import type { Storage } from './storage.ts';
import { verifyPoints } from './verify.ts';

const DEFAULT_CHUNK_BYTES = 4 * 1024 * 1024;
const DEFAULT_OPEN_CHUNKS = 16;
/** How long a killed writer keeps chunks from being swept; a living one renews. */
const DEFAULT_WRITER_LEASE_MS = 24 * 3600_000;

export interface RepositoryOptions {
  readonly storage: Storage;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Size of a chunk in new chains of points; an incremental keeps that of its base. */
  readonly chunkBytes?: number;
  /** Chunks that one writer assembles at once; its memory is about three times as many chunk sizes at the most. */
  readonly openChunks?: number;
  readonly writerLeaseMs?: number;
}

export function createRepository(options: RepositoryOptions): Repository {
  const { storage, codec, clock, ids } = options;
  const catalog = new Catalog(storage, codec);
  const notes = new Notes(storage, codec, ids);
  const points = async () => (await catalog.list()).entries.map(({ info }) => info);
  return {
    points,
    latest: async (serverId) => (await points()).findLast((info) => info.serverId === serverId),
    begin: (point) => beginPoint(options, catalog, point),
    open: async (id) => new StoredPointReader(storage, codec, await catalog.manifest(id)),
    verify: async (pointIds) => verifyPoints({ storage, codec, catalog }, pointIds ?? (await catalog.ids())),
    prune: ({ keepLast }) => prunePoints({ storage, catalog, clock, ids }, keepLast),
    readNote: (key) => notes.read(key),
    writeNote: (key, value) => notes.write(key, value),
    removeNote: (key) => notes.remove(key),
    noteKeys: () => notes.keys(),
  };
}

async function beginPoint(
  options: RepositoryOptions,
  catalog: Catalog,
  point: NewPoint,
): Promise<PointWriter> {
  const { storage, codec, clock, ids } = options;
  checkNewPoint(point);
  const owner = ids.hex(12);
  const leaseMs = options.writerLeaseMs ?? DEFAULT_WRITER_LEASE_MS;
  const about = { server: point.serverName, sinceMs: clock.now() };
  const relock = () => raiseWriterLock({ storage, clock, owner, leaseMs, about });
  const lock = await relock();
  try {
    const base = point.baseId === undefined ? undefined : await catalog.manifest(point.baseId);
    const manifest = await startManifest(options, catalog, point, base);
    const openChunks = options.openChunks ?? DEFAULT_OPEN_CHUNKS;
    const writer = new StoredPointWriter({ storage, codec, lock, relock, owner, manifest, openChunks });
    if (base !== undefined) await resizeLastChunks(writer, manifest, base);
    return writer;
  } catch (error) {
    await lock.lower();
    throw error;
  }
}

function checkNewPoint({ kind, baseId, disks }: NewPoint): void {
  if ((kind === 'incremental') !== (baseId !== undefined)) {
    throw new RangeError('an incremental point has a base and a full point has none');
  }
  for (const { deviceId, sizeBytes } of disks) {
    if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0) continue;
    throw new RangeError(`the size of ${deviceId} is ${sizeBytes}, not a positive number of bytes`);
  }
  if (new Set(disks.map(({ deviceId }) => deviceId)).size < disks.length)
    throw new RangeError('a disk is named twice');
}

async function startManifest(
  options: RepositoryOptions,
  catalog: Catalog,
  point: NewPoint,
  base: Manifest | undefined,
): Promise<Manifest> {
  const { entries } = await catalog.list();
  const createdAtMs = options.clock.now();
  const chunkBytes = base?.chunkBytes ?? options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
  return {
    info: { ...point, id: await freeId(options, catalog), createdAtMs, engine: {} },
    sequence:
      [...entries, ...(base === undefined ? [] : [base])].reduce(
        (max, each) => Math.max(max, each.sequence),
        0,
      ) + 1,
    chunkBytes,
    images: point.disks.map(({ deviceId, sizeBytes }) => startImage(deviceId, sizeBytes, chunkBytes, base)),
  };
}

async function freeId({ clock, ids }: RepositoryOptions, catalog: Catalog): Promise<string> {
  let id = createPointId(clock.now(), ids);
  while (await catalog.has(id)) id = createPointId(clock.now(), ids);
  return id;
}

function startImage(
  deviceId: string,
  sizeBytes: number,
  chunkBytes: number,
  base: Manifest | undefined,
): DiskImage {
  const before = base?.images.find((image) => image.deviceId === deviceId)?.entries() ?? [];
  const inside = before.filter(([index]) => index * chunkBytes < sizeBytes);
  return new DiskImage(deviceId, sizeBytes, chunkBytes, inside);
}

/** A disk may have grown or shrunk since its base; then the chunk at its old or new end has another length. */
async function resizeLastChunks(
  writer: StoredPointWriter,
  manifest: Manifest,
  base: Manifest,
): Promise<void> {
  for (const image of manifest.images) {
    const before = base.images.find(({ deviceId }) => deviceId === image.deviceId);
    if (before === undefined || before.sizeBytes === image.sizeBytes) continue;
    const index = Math.floor((Math.min(before.sizeBytes, image.sizeBytes) - 1) / image.chunkBytes);
    const isChanged = before.lengthOf(index) !== image.lengthOf(index);
    if (isChanged && image.hashAt(index) !== undefined) await writer.resizeChunk(image, index);
  }
}

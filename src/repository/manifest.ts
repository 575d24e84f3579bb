/** A restore point as a document: what it is, and per disk which chunk holds which part. Always a complete image. */
import type { Json } from '../kernel/journal.ts';
import type { Codec } from './codec.ts';
import { DiskImage } from './disk-image.ts';
import { decodeDocument, encodeDocument } from './document.ts';
import { DamagedDocument } from './errors.ts';
import { pointPath } from './layout.ts';
import type { PointInfo } from './repository-api.ts';
import type { Storage } from './storage.ts';

const KIND = 'restore point';

export interface Manifest {
  readonly info: PointInfo;
  /** Grows from point to point, whatever the clock does; equal only for points that were begun at once. */
  readonly sequence: number;
  readonly chunkBytes: number;
  /** In the order of `info.disks`. */
  readonly images: readonly DiskImage[];
}

interface ManifestBody {
  readonly info: PointInfo;
  readonly sequence: number;
  readonly chunkBytes: number;
  readonly disks: readonly { readonly deviceId: string; readonly runs: readonly ChunkRun[] }[];
}

/** Consecutive chunks from index `at`. What no run names is zeros. */
interface ChunkRun {
  readonly at: number;
  readonly hashes: readonly string[];
}

export function encodeManifest(
  { info, sequence, chunkBytes, images }: Manifest,
  codec: Codec,
): Promise<Uint8Array> {
  const disks = images.map((image) => ({ deviceId: image.deviceId, runs: runsOf(image) }));
  return encodeDocument(KIND, { info, sequence, chunkBytes, disks } satisfies ManifestBody, codec);
}

/** @throws DamagedDocument, StorageNotFound */
export async function readManifest(storage: Storage, codec: Codec, id: string): Promise<Manifest> {
  const path = pointPath(id);
  try {
    const manifest = parseManifest(await decodeDocument(KIND, await storage.read(path), codec));
    if (manifest.info.id !== id) throw new DamagedDocument(`is the manifest of ${manifest.info.id}`);
    return manifest;
  } catch (error) {
    if (!(error instanceof DamagedDocument)) throw error;
    throw new DamagedDocument(`${path} ${error.message}`, { cause: error });
  }
}

/** The checksum has vouched for the text, so this only guards against a writer that was not ours. */
function parseManifest(json: Json): Manifest {
  const body = json as unknown as ManifestBody;
  const { info, sequence, chunkBytes, disks } = body;
  const isShaped = typeof info?.id === 'string' && Array.isArray(info.disks) && Array.isArray(disks);
  if (!isShaped || !(chunkBytes > 0) || disks.length !== info.disks.length) {
    throw new DamagedDocument('does not have the shape of a manifest');
  }
  const images = info.disks.map(({ deviceId, sizeBytes }, at) => {
    const image = new DiskImage(deviceId, sizeBytes, chunkBytes, chunksOf(disks[at]?.runs ?? []));
    checkChunks(image);
    return image;
  });
  return { info, sequence, chunkBytes, images };
}

function checkChunks(image: DiskImage): void {
  for (const [index, hash] of image.entries()) {
    if (
      !Number.isSafeInteger(index) ||
      index < 0 ||
      image.lengthOf(index) <= 0 ||
      !/^[0-9a-f]{64}$/.test(hash)
    ) {
      throw new DamagedDocument(`names an impossible chunk ${index} of ${image.deviceId}`);
    }
  }
}

function runsOf(image: DiskImage): ChunkRun[] {
  const runs: { at: number; hashes: string[] }[] = [];
  for (const [index, hash] of image.entries()) {
    const last = runs.at(-1);
    if (last !== undefined && last.at + last.hashes.length === index) last.hashes.push(hash);
    else runs.push({ at: index, hashes: [hash] });
  }
  return runs;
}

function* chunksOf(runs: readonly ChunkRun[]): Generator<readonly [number, string]> {
  for (const { at, hashes } of runs) {
    for (const [step, hash] of hashes.entries()) yield [at + step, hash];
  }
}

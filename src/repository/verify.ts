/**
 * Whether restore points can be restored: every manifest parses and matches its checksum, every chunk is there, is
 * whole, has the length that the disk has there, and holds the bytes of its name.
 *
 * It reads each chunk once however many points share it. It does not know what the guest had: that a point holds the
 * right bytes is for who compares images.
 */
import type { Catalog } from './catalog.ts';
import { loadChunk } from './chunk-store.ts';
import type { Codec } from './codec.ts';
import type { DiskImage } from './disk-image.ts';
import { DamagedDocument, messageOf } from './errors.ts';
import type { Manifest } from './manifest.ts';
import { mapLimited } from './map-limited.ts';
import { checkLength } from './point-reader.ts';
import type { VerifyReport } from './repository-api.ts';
import type { Storage } from './storage.ts';
import { StorageFailure } from './storage-failure.ts';

const READS_AT_ONCE = 4;

type VerifiedPoint = VerifyReport['points'][number];
/** Length of a good chunk, or what is wrong with it. */
type ChunkState = { readonly plainBytes: number } | { readonly problem: string };

export interface VerifyParts {
  readonly storage: Storage;
  readonly codec: Codec;
  readonly catalog: Catalog;
}

export async function verifyPoints(parts: VerifyParts, pointIds: readonly string[]): Promise<VerifyReport> {
  const states = new Map<string, Promise<ChunkState>>();
  const points: VerifiedPoint[] = [];
  for (const id of pointIds) points.push(await verifyPoint(parts, id, states));
  return { points };
}

async function verifyPoint(
  parts: VerifyParts,
  id: string,
  states: Map<string, Promise<ChunkState>>,
): Promise<VerifiedPoint> {
  const manifest = await manifestOrProblem(parts, id);
  if (typeof manifest === 'string') return { id, chunks: 0, bytes: 0, problems: [manifest] };
  const places = manifest.images.flatMap((image) =>
    image.entries().map(([index, hash]) => ({ image, index, hash })),
  );
  const problems = await mapLimited(places, READS_AT_ONCE, async ({ image, index, hash }) => {
    const state = states.get(hash) ?? checkChunk(parts, hash);
    states.set(hash, state);
    return placeProblem(image, index, hash, await state);
  });
  const bytes = places.reduce((sum, { image, index }) => sum + image.lengthOf(index), 0);
  return { id, chunks: places.length, bytes, problems: problems.filter((problem) => problem !== undefined) };
}

async function manifestOrProblem({ catalog }: VerifyParts, id: string): Promise<Manifest | string> {
  try {
    return await catalog.manifest(id);
  } catch (error) {
    if (error instanceof DamagedDocument || error instanceof StorageFailure) return error.message;
    throw error;
  }
}

async function checkChunk({ storage, codec }: VerifyParts, hash: string): Promise<ChunkState> {
  try {
    return { plainBytes: (await loadChunk(storage, codec, hash)).length };
  } catch (error) {
    return { problem: messageOf(error) };
  }
}

function placeProblem(image: DiskImage, index: number, hash: string, state: ChunkState): string | undefined {
  const place = `${image.deviceId} at ${index * image.chunkBytes}`;
  if ('problem' in state) return `${place}: ${state.problem}`;
  try {
    checkLength(image, index, hash, state.plainBytes);
    return undefined;
  } catch (error) {
    return `${place}: ${messageOf(error)}`;
  }
}

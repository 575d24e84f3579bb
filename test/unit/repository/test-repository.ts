import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng, type Rng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { createRepository, type RepositoryOptions } from '../../../src/repository/create-repository.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import type { PointInfo, PointWriter, Repository } from '../../../src/repository/repository-api.ts';
import type { Storage } from '../../../src/repository/storage.ts';

export const START_MS = Date.UTC(2026, 1, 3, 4, 5, 6, 789);
export const CHUNK_BYTES = 1024;

export interface TestRepository<S extends Storage> {
  readonly repository: Repository;
  readonly storage: S;
  readonly clock: VirtualClock;
  readonly rng: Rng;
}

let created = 0;

export function createTestRepository<S extends Storage = MemoryStorage>(
  options: Partial<RepositoryOptions> & { storage?: S; seed?: string } = {},
): TestRepository<S> {
  const rng = createRng(options.seed ?? `repository ${created++}`);
  const clock = options.clock instanceof VirtualClock ? options.clock : new VirtualClock(START_MS);
  const storage = options.storage ?? (new MemoryStorage() as unknown as S);
  const base = {
    codec: syncCodec,
    ids: createIdSource(rng.fork('ids')),
    chunkBytes: CHUNK_BYTES,
    openChunks: 3,
  };
  return { repository: createRepository({ ...base, ...options, storage, clock }), storage, clock, rng };
}

export interface TestPoint {
  readonly server?: string;
  readonly base?: PointInfo;
  readonly sizeBytes?: number;
}

export function beginPoint(
  repository: Repository,
  { server = 's1', base, sizeBytes = 10_000 }: TestPoint = {},
): Promise<PointWriter> {
  return repository.begin({
    serverId: server,
    serverName: server.toUpperCase(),
    kind: base === undefined ? 'full' : 'incremental',
    ...(base !== undefined && { baseId: base.id }),
    disks: [{ deviceId: 'ide0', sizeBytes }],
  });
}

/** Commits a point of one disk `ide0` with these bytes at these offsets. */
export async function writePoint(
  repository: Repository,
  writes: Readonly<Record<number, Uint8Array>>,
  point: TestPoint = {},
): Promise<PointInfo> {
  const writer = await beginPoint(repository, point);
  for (const [offset, bytes] of Object.entries(writes)) await writer.write('ide0', Number(offset), bytes);
  return writer.commit({ writes: Object.keys(writes).length });
}

export async function readDisk(repository: Repository, point: PointInfo, deviceId = 'ide0'): Promise<Buffer> {
  const reader = await repository.open(point.id);
  const disk = point.disks.find((each) => each.deviceId === deviceId);
  return Buffer.from(await reader.read(deviceId, 0, disk?.sizeBytes ?? 0));
}

/** A disk's bytes with these writes over `before`. */
export function imageOf(
  sizeBytes: number,
  writes: Readonly<Record<number, Uint8Array>>,
  before?: Uint8Array,
): Buffer {
  const image = Buffer.alloc(sizeBytes);
  if (before !== undefined) image.set(before.subarray(0, sizeBytes));
  for (const [offset, bytes] of Object.entries(writes)) image.set(bytes, Number(offset));
  return image;
}

export async function problemsOf(repository: Repository): Promise<string[]> {
  return (await repository.verify()).points.flatMap(({ problems }) => problems);
}

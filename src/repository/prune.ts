/**
 * Thinning out: old points go, then whatever no remaining point wants (mark and sweep).
 *
 * The order carries the safety. First the manifests are removed and their absence is made durable, only then chunks
 * go: a power cut in between costs space, never a point. Chunks are swept only while no writer is at work (`lock.ts`),
 * because a writer's chunks are not referenced before it commits; with a writer at work the points still go and the
 * sweep is left to the next prune. An unreadable manifest stops everything: what it wants can't be known.
 *
 * A reader of a point that is pruned meanwhile fails with `CorruptChunk`; it never reads wrong bytes.
 */
import type { Clock } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { Catalog, CatalogEntry } from './catalog.ts';
import { PruneRefused } from './errors.ts';
import { CHUNKS, isChunkName, isTemporaryName, POINTS, pointPath, TEMPORARIES } from './layout.ts';
import { type Lock, liveOwners, raiseLock, removeExpiredLocks } from './lock.ts';
import type { PruneReport } from './repository-api.ts';
import { type Storage, StorageNotFound } from './storage.ts';

/** Short, because writers wait for it after a kill; renewed while the sweep goes on. */
const SWEEPER_LEASE_MS = 10 * 60_000;

export interface PruneParts {
  readonly storage: Storage;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly ids: IdSource;
}

/** @throws PruneRefused, RangeError */
export async function prunePoints(parts: PruneParts, keepLast: number): Promise<PruneReport> {
  if (!Number.isSafeInteger(keepLast) || keepLast < 1)
    throw new RangeError(`keepLast is ${keepLast}, not 1 or more`);
  const entries = await readableEntries(parts);
  const removedPoints = surplus(entries, keepLast);
  await removePoints(parts.storage, removedPoints);
  const swept = await sweepAlone(parts);
  return { removedPoints, keptPoints: entries.length - removedPoints.length, ...swept };
}

async function readableEntries({ catalog }: PruneParts): Promise<readonly CatalogEntry[]> {
  const { entries, damaged } = await catalog.list();
  if (damaged.length === 0) return entries;
  const problems = damaged.map(({ problem }) => problem).join('; ');
  throw new PruneRefused(
    `nothing was pruned: ${problems}. Repair the manifest or remove its file, then prune again`,
  );
}

/** Ids of all but the youngest `keepLast` of each server. */
function surplus(entries: readonly CatalogEntry[], keepLast: number): string[] {
  const kept = new Map<string, number>();
  return entries
    .toReversed()
    .filter(({ info }) => {
      const count = (kept.get(info.serverId) ?? 0) + 1;
      kept.set(info.serverId, count);
      return count > keepLast;
    })
    .map(({ info }) => info.id)
    .toReversed();
}

async function removePoints(storage: Storage, ids: readonly string[]): Promise<void> {
  for (const id of ids) await storage.remove(pointPath(id));
  if (ids.length > 0) await storage.sync(POINTS);
}

type SweepReport = Pick<PruneReport, 'removedChunks' | 'freedBytes' | 'sweepPostponedBy'>;

async function sweepAlone(parts: PruneParts): Promise<SweepReport> {
  const { storage, clock, ids } = parts;
  const owner = ids.hex(12);
  const about = { sinceMs: clock.now() };
  const lock = await raiseLock({ storage, clock, role: 'sweeper', owner, leaseMs: SWEEPER_LEASE_MS, about });
  try {
    const writers = await liveOwners(storage, clock, 'writer');
    if (writers.length > 0) return { removedChunks: 0, freedBytes: 0, sweepPostponedBy: writers };
    return await sweep(parts, lock);
  } finally {
    await lock.lower();
  }
}

async function sweep(parts: PruneParts, lock: Lock): Promise<SweepReport> {
  const { storage, clock } = parts;
  const wanted = await wantedChunks(parts, lock);
  const chunks = (await storage.list(CHUNKS)).filter(isChunkName);
  const garbage = chunks.filter((name) => !wanted.has(name.slice(name.lastIndexOf('/') + 1)));
  const leftovers = (await storage.list(TEMPORARIES)).filter(isTemporaryName);
  let freedBytes = 0;
  for (const name of garbage) freedBytes += await removeFile(storage, lock, `${CHUNKS}/${name}`);
  for (const name of leftovers) await removeFile(storage, lock, `${TEMPORARIES}/${name}`);
  await removeExpiredLocks(storage, clock);
  return { removedChunks: garbage.length, freedBytes };
}

async function wantedChunks(parts: PruneParts, lock: Lock): Promise<Set<string>> {
  const wanted = new Set<string>();
  for (const { info } of await readableEntries(parts)) {
    await lock.renewIfDue();
    const { images } = await parts.catalog.manifest(info.id);
    for (const image of images) for (const [, hash] of image.entries()) wanted.add(hash);
  }
  return wanted;
}

/** Size of the removed file. @throws PruneRefused when the lock ran out and a writer may be at work again */
async function removeFile(storage: Storage, lock: Lock, path: string): Promise<number> {
  await lock.renewIfDue();
  if (lock.isLapsed) throw new PruneRefused('the sweep stood still for too long and stopped: prune again');
  try {
    const sizeBytes = await storage.size(path);
    await storage.remove(path);
    return sizeBytes;
  } catch (error) {
    if (error instanceof StorageNotFound) return 0;
    throw error;
  }
}

/** Disks that are attached together when there is no room for all of them. */

/** The batch of `size` that `id` falls into when `ids` are cut into batches from the first one on. */
export function batchAround(ids: readonly string[], id: string, size: number): readonly string[] {
  const at = ids.indexOf(id);
  if (at < 0) throw new RangeError(`${id} is not among ${ids.join(', ')}`);
  const first = Math.floor(at / size) * size;
  return ids.slice(first, first + size);
}

/** The next smaller size to try after the platform refused a batch of `size` as too many. */
export function smallerBatch(size: number): number {
  return Math.max(1, Math.ceil(size / 2));
}

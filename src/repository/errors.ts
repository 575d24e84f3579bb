/** What can be wrong with a repository, as callers tell the cases apart. */

/** No committed point has this id. */
export class PointNotFound extends Error {
  override readonly name = 'PointNotFound';
}

/** A stored chunk is missing, damaged, or does not hold the bytes of its name. */
export class CorruptChunk extends Error {
  override readonly name = 'CorruptChunk';
}

/** A manifest or note is not what was written, or was written by a newer version. */
export class DamagedDocument extends Error {
  override readonly name = 'DamagedDocument';
}

/** The writer was committed or aborted before, or its commit failed. */
export class PointClosed extends Error {
  override readonly name = 'PointClosed';
}

/** Another process holds the repository in a way that does not let this operation begin. */
export class RepositoryBusy extends Error {
  override readonly name = 'RepositoryBusy';
}

/** Pruning now could lose data that somebody may still want; nothing was removed. */
export class PruneRefused extends Error {
  override readonly name = 'PruneRefused';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

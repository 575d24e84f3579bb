/** An abort of one's own that others' bring about too. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** Forgets the others. */
  unlink(): void;
}

/**
 * What `AbortSignal.any` does for signals that live no longer than the work: what that makes stays in memory until a full
 * collection, and with it all that listens.
 */
export function linkedAbort(...others: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController();
  const abort = (reason: unknown): void => controller.abort(reason);
  const links = others.flatMap((other) => {
    if (other === undefined) return [];
    const follow = (): void => abort(other.reason);
    if (other.aborted) follow();
    else other.addEventListener('abort', follow, { once: true });
    return [() => other.removeEventListener('abort', follow)];
  });
  return {
    signal: controller.signal,
    abort,
    unlink: () => {
      for (const unlink of links) unlink();
    },
  };
}

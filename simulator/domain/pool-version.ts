/** Versions of resource pools (`6.11.3`), which decide what a pool can do. */

export function isAtLeast(version: string, least: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10));
  for (const [at, want] of least.entries()) {
    const have = parts[at] ?? 0;
    if (have !== want) return have > want;
  }
  return true;
}

/**
 * Reads JSON, and what it has read before it knows. A client that polls gets the same answer again and again, and the
 * runs of one thread get the same as the ones before them up to where they part.
 */

/** Characters of text in all; then everything is forgotten. */
const MOST_KEPT = 8_000_000;

/** What it gives is shared and therefore frozen. It throws as `JSON.parse` does. */
export function createJsonMemory(mostKept = MOST_KEPT): (text: string) => unknown {
  const known = new Map<string, unknown>();
  let kept = 0;
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const value: unknown = freeze(JSON.parse(text));
    kept += text.length;
    if (kept > mostKept) {
      known.clear();
      kept = text.length;
    }
    known.set(text, value);
    return value;
  };
}

/** All of it, through and through. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

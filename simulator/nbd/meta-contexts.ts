/** Which meta contexts a client's queries mean. */

/** LIST_META_CONTEXT: no query means all; one that ends in a colon means everything that begins with it. */
export function listContexts(available: readonly string[], queries: readonly string[]): string[] {
  if (queries.length === 0) return [...available];
  return available.filter((name) => queries.some((query) => matches(name, query)));
}

/** SET_META_CONTEXT: full names only; one asked for twice counts once; unknown ones are passed over. */
export function selectContexts(available: readonly string[], queries: readonly string[]): string[] {
  return [...new Set(queries)].filter((query) => available.includes(query));
}

function matches(name: string, query: string): boolean {
  return query.endsWith(':') ? name.startsWith(query) : name === query;
}

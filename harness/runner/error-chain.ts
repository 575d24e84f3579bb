/** Errors with all their causes, as flat data. */

export interface ErrorLink {
  readonly name: string;
  readonly message: string;
  readonly code: string;
}

/** The error, its cause, the cause's cause ...; parts of an `AggregateError` after it. */
export function errorChain(error: unknown): readonly ErrorLink[] {
  const links: ErrorLink[] = [];
  const seen = new Set<unknown>();
  const walk = (value: unknown): void => {
    if (value === undefined || seen.has(value)) return;
    seen.add(value);
    if (!(value instanceof Error)) {
      links.push({ name: typeof value, message: JSON.stringify(value) ?? 'nothing', code: '' });
      return;
    }
    const code: unknown = 'code' in value ? value.code : '';
    links.push({ name: value.name, message: value.message, code: String(code) });
    if (value instanceof AggregateError) value.errors.forEach(walk);
    walk(value.cause);
  };
  walk(error);
  return links;
}

export function describeChain(error: unknown): string {
  return errorChain(error)
    .map(({ name, message }) => `${name}: ${message}`)
    .join(' <- ');
}

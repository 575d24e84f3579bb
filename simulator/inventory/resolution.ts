import type { IdSource } from '../../src/kernel/ids.ts';
import type { Rng } from '../../src/kernel/rng.ts';
import type { Path } from './inventory-file.ts';

/** What the parts of the resolution share. */
export interface Resolution {
  readonly rng: Rng;
  readonly ids: IdSource;
  report(path: Path, what: string): void;
}

/** The id of the item that goes by `wanted`, id or name; the first one's when nothing is wanted. */
export function refer(
  wanted: string | undefined,
  items: readonly { readonly id: string; readonly name: string }[],
  noun: string,
  path: Path,
  on: Resolution,
): string {
  if (wanted === undefined) return items[0]?.id ?? '';
  const found = items.find((item) => item.id === wanted) ?? items.find((item) => item.name === wanted);
  if (found === undefined)
    on.report(path, `no ${noun} goes by "${wanted}"; there are: ${nameSome(items) || 'none'}`);
  return found?.id ?? wanted;
}

function nameSome(items: readonly { readonly name: string }[]): string {
  const shown = items.slice(0, 8).map((item) => item.name);
  return items.length > shown.length ? `${shown.join(', ')}, ...` : shown.join(', ');
}

/**
 * Paging, ordering and the choice of fields, alike for all paged lists. Views are only built for what is shown, so
 * that a page of ten thousand servers costs a page.
 * @source SCP OpenAPI 6.11.1, list parameters
 * @fidelity documented
 */
import { DEFAULT_PAGE_SIZE, type Page, type PageQuery } from '../../src/contract/schemas/page.ts';
import type { Json } from '../../src/kernel/journal.ts';

type Item = { readonly [key: string]: Json };

export function pageOfItems<E>(
  entities: readonly E[],
  toItem: (entity: E) => Item,
  query: PageQuery,
): Page<Item> {
  const pageNum = query.page_num ?? 0;
  const pageSize = query.page_size ?? DEFAULT_PAGE_SIZE;
  const from = pageNum * pageSize;
  const items: readonly Item[] =
    query.sort === undefined
      ? entities.slice(from, from + pageSize).map(toItem)
      : ordered(entities.map(toItem), query.sort, query.order_by === 'DESC').slice(from, from + pageSize);
  return {
    total_size: entities.length,
    page_num: pageNum,
    page_size: pageSize,
    next_page_num: from + pageSize < entities.length ? String(pageNum + 1) : '',
    data: query.fields === undefined ? items : items.map((item) => onlyFields(item, namesIn(query.fields))),
  };
}

export const namesIn = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function onlyFields(item: Item, names: readonly string[]): Item {
  return Object.fromEntries(names.filter((name) => name in item).map((name) => [name, item[name] ?? null]));
}

function ordered(items: readonly Item[], sort: string, isDescending: boolean): Item[] {
  const names = namesIn(sort);
  const sign = isDescending ? -1 : 1;
  return items.toSorted((a, b) => {
    for (const name of names) {
      const order = compare(a[name], b[name]);
      if (order !== 0) return order * sign;
    }
    return 0;
  });
}

function compare(a: Json | undefined, b: Json | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const left = typeof a === 'string' ? a : JSON.stringify(a ?? '');
  const right = typeof b === 'string' ? b : JSON.stringify(b ?? '');
  return left < right ? -1 : left > right ? 1 : 0;
}

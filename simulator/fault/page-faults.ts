/**
 * What may be wrong with a page of changed areas. A page says from where on (`start_offset`) it covers how many bytes
 * (`length`) of a disk, and which areas in there have changed.
 *
 * - `cbt-page-repeated`: the page before this one is given once more, as a cache does that looks at too little of the
 *   question. It says so itself: its `start_offset` is not the one that was asked for. There has to be a page before.
 * - `cbt-page-cut`: the page covers half as much as it could, in whole blocks, and lists the areas in there only. It is
 *   true: who goes on asking to the end of the disk gets everything.
 * - `cbt-misses-block`: the last block of the last area is missing from the list. The history of the disk is untouched.
 *   Nothing in the answer tells; only who compares the disk with what was stored can know.
 */
import type { FaultKind } from './fault-api.ts';

export const PAGE_FAULT_KINDS = [
  'cbt-page-repeated',
  'cbt-page-cut',
  'cbt-misses-block',
] as const satisfies readonly FaultKind['kind'][];

/** As the product answers. */
export interface AreaPage {
  readonly start_offset: number;
  readonly length: number;
  readonly changed_area: readonly { readonly start: number; readonly length: number }[];
}

/** Bytes per block, and the page before this one of the same disk and checkpoint. */
export interface PageContext {
  readonly grainBytes: number;
  readonly before: AreaPage | undefined;
}

/** Whether the fault makes any difference to the page. */
export function canSpoil({ kind }: FaultKind, page: AreaPage, context: PageContext): boolean {
  if (kind === 'cbt-page-repeated')
    return context.before !== undefined && context.before.start_offset < page.start_offset;
  if (kind === 'cbt-page-cut') return page.length > context.grainBytes;
  return kind === 'cbt-misses-block' && page.changed_area.length > 0;
}

/** The page as it arrives; the same for faults of another kind. */
export function spoilPage({ kind }: FaultKind, page: AreaPage, context: PageContext): AreaPage {
  if (kind === 'cbt-page-repeated') return context.before ?? page;
  if (kind === 'cbt-page-cut') return cutPage(page, context.grainBytes);
  return kind === 'cbt-misses-block' ? missBlock(page, context.grainBytes) : page;
}

function cutPage(page: AreaPage, grain: number): AreaPage {
  const length = Math.max(1, Math.floor(page.length / 2 / grain)) * grain;
  const end = page.start_offset + length;
  const areas = page.changed_area
    .filter(({ start }) => start < end)
    .map((area) => ({ start: area.start, length: Math.min(area.length, end - area.start) }));
  return { start_offset: page.start_offset, length, changed_area: areas };
}

/** The last block of a disk may be short. */
function missBlock(page: AreaPage, grain: number): AreaPage {
  const areas = page.changed_area.slice(0, -1);
  const last = page.changed_area.at(-1);
  const left = last === undefined ? 0 : Math.floor((last.length - 1) / grain) * grain;
  return {
    ...page,
    changed_area: last === undefined || left === 0 ? areas : [...areas, { start: last.start, length: left }],
  };
}

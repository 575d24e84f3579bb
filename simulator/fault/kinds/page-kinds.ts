/** Faults of the pages of changed areas; carried out in simulator/fault/page-faults.ts. */
import type { KindRow } from '../kind-row.ts';

const OPERATIONS = ['cbt.changed-areas'];

export const PAGE_KINDS = {
  'cbt-page-repeated': {
    places: ['rest'],
    operations: OPERATIONS,
    fields: {},
    what: 'The page before this one is given once more.',
    model:
      'A cache that looks at too little of the question. The page says so itself: its start_offset is not the one that was asked for. Strikes from the second page of a disk on.',
    example: { on: 'cbt.changed-areas', kind: 'cbt-page-repeated' },
  },
  'cbt-page-cut': {
    places: ['rest'],
    operations: OPERATIONS,
    fields: {},
    what: 'The page covers half as much as it could, and lists only the areas in there.',
    model: 'True, but short: who goes on asking to the end of the disk gets everything.',
    example: { on: 'cbt.changed-areas', kind: 'cbt-page-cut' },
  },
  'cbt-misses-block': {
    places: ['rest'],
    operations: OPERATIONS,
    fields: {},
    what: 'The last block of the last changed area is missing from the page.',
    model:
      'A history that lies, as after writes during the merge of a snapshot. Nothing in the answer tells; only verification can find it.',
    example: { on: 'cbt.changed-areas', kind: 'cbt-misses-block' },
  },
} as const satisfies Record<string, KindRow>;

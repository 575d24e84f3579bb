/** The catalogue of things that must sometimes happen, and which of them happened in a run. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { observe } from '../rules/observe.ts';
import { CALL_MUSTS } from './call-musts.ts';
import { DATA_MUSTS } from './data-musts.ts';
import type { EngineMoment } from './engine-moments.ts';
import { JOB_MUSTS } from './job-musts.ts';
import { LOCK_MUSTS } from './lock-musts.ts';
import type { Happening, Happenings, Must } from './must.ts';

export const MUSTS: readonly Must[] = [...LOCK_MUSTS, ...CALL_MUSTS, ...JOB_MUSTS, ...DATA_MUSTS];

export function findHappenings(
  journal: readonly JournalEntry[],
  moments: readonly EngineMoment[],
  musts: readonly Must[] = MUSTS,
): Happenings {
  const seen = { ...observe(journal), moments };
  const found = musts.flatMap(({ id, find }): [string, Happening][] => {
    const places = find(seen);
    const [at] = places;
    return at === undefined ? [] : [[id, { count: places.length, at }]];
  });
  return Object.fromEntries(found);
}

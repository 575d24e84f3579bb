/** Looks on at one run, and says afterwards what of that which must sometimes happen did. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { Story } from '../runner/story.ts';
import { type EngineMoment, watchMoments } from './engine-moments.ts';
import type { Happenings } from './must.ts';
import { findHappenings } from './musts.ts';

export interface MustAttendant {
  /** Call it with the story before its first step. */
  readonly attend: (story: Story) => void;
  readonly happenedIn: (journal: readonly JournalEntry[]) => Happenings;
}

export function createMustAttendant(): MustAttendant {
  let moments: readonly EngineMoment[] = [];
  return {
    attend: (story) => {
      moments = watchMoments(story);
    },
    happenedIn: (journal) => findHappenings(journal, moments),
  };
}

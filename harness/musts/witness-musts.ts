/** Notes on a result what happened in its run of that which must sometimes happen. */
import type { ScenarioResult } from '../runner/outcome.ts';
import type { RunRecord } from '../runner/run-once.ts';
import type { Story } from '../runner/story.ts';
import { createMustAttendant } from './attend-musts.ts';
import type { Happenings } from './must.ts';

export interface HappeningsResult extends ScenarioResult {
  readonly happened?: Happenings;
}

export function witnessMusts(story: Story): (result: ScenarioResult, record: RunRecord) => HappeningsResult {
  const { attend, happenedIn } = createMustAttendant();
  attend(story);
  return (result, { journal }) => ({ ...result, happened: happenedIn(journal) });
}

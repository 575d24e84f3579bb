/** What a lane of `backlot run` needs besides a simulator, in whichever thread it is. */
import { witnessMusts } from '../../harness/musts/witness-musts.ts';
import { witnessRun } from '../../harness/report/witness-run.ts';
import type { LaneOptions } from '../../harness/runner/run-suite.ts';
import { openGuestsOf } from './run-guests.ts';
import { seamsOfMutant } from './mutant-seams.ts';

export const LANE_OUTFIT: Omit<LaneOptions, 'simulator'> = {
  stopwatch: () => performance.now(),
  openGuests: openGuestsOf,
  witness: (story) => {
    const noteMusts = witnessMusts(story);
    const noteRun = witnessRun(story);
    return (result, record) => noteMusts(noteRun(result, record), record);
  },
  seamsOf: seamsOfMutant,
};

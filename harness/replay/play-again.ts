/** A run once more, with what is needed to look at it: who was in it, and what the world was like where it stopped. */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { castOf } from '../explore/cast.ts';
import type { WorldState } from '../oracle/leak-oracle.ts';
import { COMMON_LANES, type Cast, type Mark } from '../report/timeline-marks.ts';
import { readWorldState } from '../runner/end-of-story.ts';
import { type RunRecord, runOnce } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import type { Seams } from '../runner/seams.ts';
import type { Story } from '../runner/story.ts';
import { watchEngines } from './engine-marks.ts';

export interface PlayAgainOptions {
  readonly simulator: Simulator;
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  readonly seams: Seams;
  /** The run stops at the first entry of which this is true; it goes on to its end when absent. */
  readonly until?: (entry: JournalEntry) => boolean;
}

export interface PlayedAgain {
  readonly record: RunRecord;
  readonly cast: Cast;
  /** What the journal does not tell of: steps and kills of engines, jumps of their clocks, the end of the attack. */
  readonly marks: readonly Mark[];
  /** Position of the entry at which it stopped, and the world at that instant. */
  readonly stopped?: { readonly at: number; readonly state: WorldState };
}

export async function playAgain({ until, ...options }: PlayAgainOptions): Promise<PlayedAgain> {
  let cast: Cast = { lanes: [], startMs: 0, owners: new Map(), names: new Map() };
  let marks: readonly Mark[] = [];
  let over = (): { readonly n: number; readonly t: number } | undefined => undefined;
  let stopped: PlayedAgain['stopped'];
  const stopAt =
    until === undefined
      ? undefined
      : {
          isIt: until,
          onStop: (story: Story, at: number): void => {
            stopped = { at, state: readWorldState(story) };
          },
        };
  const record = await runOnce({
    ...options,
    onStory: (story) => {
      cast = castOf(story.world);
      marks = watchEngines(story);
      over = () => story.survival?.over;
    },
    ...(stopAt === undefined ? {} : { stopAt }),
  });
  return { record, cast, marks: withEnd(marks, over()), ...(stopped === undefined ? {} : { stopped }) };
}

function withEnd(
  marks: readonly Mark[],
  over: { readonly n: number; readonly t: number } | undefined,
): readonly Mark[] {
  if (over === undefined) return marks;
  const end: Mark = { ...over, lane: COMMON_LANES.engine.key, text: 'the attack is over' };
  return [...marks, end].toSorted((a, b) => a.n - b.n);
}

/** Which of the things that must sometimes happen did, over many runs. */
import { MUSTS } from './musts.ts';
import type { Happenings, Must } from './must.ts';

/** A run, and what happened in it. */
export interface TalliedRun {
  readonly scenario: string;
  readonly engine: string;
  readonly seed: string;
  readonly happened: Happenings;
}

export interface Tally {
  readonly id: string;
  readonly title: string;
  /** In how many runs. */
  readonly happened: number;
  /** The first of these. `at`: position in its journal. */
  readonly example?: {
    readonly scenario: string;
    readonly engine: string;
    readonly seed: string;
    readonly at: number;
  };
}

export function tallyMusts(runs: readonly TalliedRun[], musts: readonly Must[] = MUSTS): readonly Tally[] {
  return musts.map(({ id, title }) => {
    const places = runs.filter(({ happened }) => happened[id] !== undefined);
    const [first] = places;
    const at = first?.happened[id]?.at;
    return {
      id,
      title,
      happened: places.length,
      ...(first === undefined || at === undefined
        ? {}
        : { example: { scenario: first.scenario, engine: first.engine, seed: first.seed, at } }),
    };
  });
}

/** One line. */
export function renderTallyLine(tallies: readonly Tally[]): string {
  const did = tallies.filter(({ happened }) => happened > 0).length;
  return `${did} of ${tallies.length} things that must sometimes happen did\n`;
}

/** One line, and one for each that never happened. */
export function renderTally(tallies: readonly Tally[]): string {
  const silent = tallies.filter(({ happened }) => happened === 0);
  const lines = silent.map(({ id, title }) => `never happened: ${title} (${id})\n`).join('');
  return `${renderTallyLine(tallies)}${lines}`;
}

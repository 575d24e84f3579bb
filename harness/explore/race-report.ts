/** What came out of exploring a race, as plain data. */
import type { Exploration, ScheduleFailure } from './explore.ts';
import type { Race } from './races.ts';

export interface RaceReport {
  readonly race: string;
  readonly title: string;
  readonly scenario: string;
  readonly runs: number;
  readonly failures: readonly ScheduleFailure[];
  /** How often HotAdd tasks met, by what met: `add/remove`, with `=` in the same millisecond. */
  readonly collisions: Readonly<Record<string, number>>;
  readonly powerCuts: number;
  readonly longestSchedule: string;
  readonly comparedBytes: number;
  readonly virtualSeconds: number;
}

export function reportRace(race: Race, scenario: string, explored: Exploration): RaceReport {
  return {
    race: race.id,
    title: race.title,
    scenario,
    runs: explored.runs,
    failures: explored.failures,
    collisions: Object.fromEntries(explored.collisions),
    powerCuts: explored.powerCuts,
    longestSchedule: explored.longestSchedule,
    comparedBytes: explored.comparedBytes,
    virtualSeconds: explored.virtualMs / 1000,
  };
}

/** The failure that is the easiest to read. */
export function shortestFailure({ failures }: RaceReport): ScheduleFailure | undefined {
  return failures.toSorted((a, b) => a.schedule.length - b.schedule.length)[0];
}

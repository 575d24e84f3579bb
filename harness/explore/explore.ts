/** Plays a scenario under many schedules and judges each run. */
import type { Chooser } from './chooser.ts';
import type { PlayedSchedule, StageOptions } from './play-schedule.ts';
import { playSchedule } from './play-schedule.ts';
import { withPowerCut } from './with-power-cut.ts';

export interface ExploreOptions extends StageOptions {
  readonly choosers: Iterable<Chooser>;
  /** Called after every run; `false` ends the exploration. */
  readonly onRun?: (played: PlayedSchedule, runs: number) => boolean;
}

/** A schedule that does not go well. Without its journal, which playing it again gives. */
export interface ScheduleFailure {
  readonly schedule: string;
  readonly reason: string;
  readonly journalHash: string;
}

export interface Exploration {
  readonly runs: number;
  /** Different schedules; as many as runs when each was chosen once. */
  readonly schedules: number;
  readonly failures: readonly ScheduleFailure[];
  /** How often HotAdd tasks met, by what met: `add/remove`, with `=` in the same millisecond. */
  readonly collisions: ReadonlyMap<string, number>;
  /** Runs in which the power of the proxy was cut. */
  readonly powerCuts: number;
  readonly longestSchedule: string;
  readonly comparedBytes: number;
  readonly virtualMs: number;
}

export async function explore(options: ExploreOptions): Promise<Exploration> {
  const tally = new Tally();
  for (const chooser of options.choosers) {
    const played = await playUnder(options, chooser);
    tally.add(played);
    if (options.onRun?.(played, tally.runs) === false) break;
  }
  return tally.result();
}

/** One run; with an operator when the race has one. */
export function playUnder(options: StageOptions, chooser: Chooser): Promise<PlayedSchedule> {
  const scenario = options.hasPowerCut ? withPowerCut(options.scenario) : options.scenario;
  return playSchedule({ ...options, scenario }, chooser);
}

class Tally {
  runs = 0;
  readonly #schedules = new Set<string>();
  readonly #failures: ScheduleFailure[] = [];
  readonly #collisions = new Map<string, number>();
  #powerCuts = 0;
  #longest = '';
  #comparedBytes = 0;
  #virtualMs = 0;

  add(played: PlayedSchedule): void {
    this.runs++;
    this.#schedules.add(played.schedule);
    const { schedule, failure, record } = played;
    if (failure !== undefined)
      this.#failures.push({ schedule, reason: failure, journalHash: record.journalHash });
    if (played.isPowerCut) this.#powerCuts++;
    if (played.schedule.length > this.#longest.length) this.#longest = played.schedule;
    this.#comparedBytes += played.record.comparedBytes;
    this.#virtualMs += played.record.virtualMs;
    for (const { kind, isSameInstant } of played.collisions) {
      const key = isSameInstant ? `${kind}=` : kind;
      this.#collisions.set(key, (this.#collisions.get(key) ?? 0) + 1);
    }
  }

  result(): Exploration {
    return {
      runs: this.runs,
      schedules: this.#schedules.size,
      failures: this.#failures,
      collisions: new Map([...this.#collisions].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      powerCuts: this.#powerCuts,
      longestSchedule: this.#longest,
      comparedBytes: this.#comparedBytes,
      virtualMs: this.#virtualMs,
    };
  }
}

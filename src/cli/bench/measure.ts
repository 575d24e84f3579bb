/** Timing that can be trusted on a noisy machine: medians, and ratios of runs that took turns. */

export interface BenchResult {
  readonly area: string;
  readonly name: string;
  readonly unit: string;
  /** Median of the rounds. */
  readonly value: number;
  readonly better: 'lower' | 'higher';
  /** What it is compared with, measured in turns with it. */
  readonly peer?: string;
  readonly peerValue?: number;
  /** Median of value / peerValue round by round. */
  readonly ratio?: number;
  /** What it should reach, and whether it did. */
  readonly target?: string;
  readonly isReached?: boolean;
  readonly rounds: number;
}

export interface BenchContext {
  readonly rounds: number;
  /** Says what is going on; goes to stderr. */
  readonly note: (text: string) => void;
  /** Reports a part of an area that could not be measured. */
  readonly skip: (what: string, because: string) => void;
}

export type BenchArea = (context: BenchContext) => Promise<readonly BenchResult[]>;

/** A comparison that could not be made, with the reason. Reported, never counted as reached. */
export class BenchSkipped extends Error {
  override readonly name = 'BenchSkipped';
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  if (high === undefined) throw new RangeError('median of nothing');
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Runs all subjects in turns, `rounds` times after one warm-up, so that drift of the machine hits all alike. */
export async function inTurns<Name extends string>(
  rounds: number,
  subjects: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(subjects) as Name[];
  const values = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const value = await subjects[name]();
      if (round >= 0) values[name].push(value);
    }
  }
  return values;
}

export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

/** The usual shape of a judgement: everything that there is to judge, one after the other. */
import type { Judgement, Violation } from './rule-api.ts';

export interface Broken {
  readonly at: number;
  readonly expected: string;
  readonly actual: string;
  readonly evidence?: readonly number[];
}

/** Judges each item; `undefined` is right. */
export function judgeEach<T>(items: readonly T[], check: (item: T) => Broken | undefined): Judgement {
  return {
    exercised: items.length,
    violations: items.flatMap((item) => {
      const broken = check(item);
      return broken === undefined ? [] : [violationOf(broken)];
    }),
  };
}

function violationOf({ at, expected, actual, evidence = [] }: Broken): Violation {
  return { at, expected, actual, evidence };
}

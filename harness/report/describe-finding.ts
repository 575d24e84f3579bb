import type { Finding } from '../runner/outcome.ts';

/** A finding for people, several lines. */
export function describeFinding({ where, expected, actual, evidence }: Finding): string {
  return [
    where,
    `  expected  ${expected}`,
    `  got       ${actual}`,
    ...evidence.map((line) => `  evidence  ${line}`),
  ].join('\n');
}

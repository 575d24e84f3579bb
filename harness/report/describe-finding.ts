import type { RuleFinding } from '../rules/rule-api.ts';
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

/** A violation of a rule for people, several lines. */
export function describeViolation({ scenario, engine, expected, actual, lines }: RuleFinding): string {
  return [
    `${scenario}, ${engine}`,
    `  expected  ${expected}`,
    `  got       ${actual}`,
    ...lines.map((line) => `  evidence  ${line}`),
  ].join('\n');
}

/** A rule in full, for the engineer whose product broke it. */
import type { Rule, RuleFinding } from './rule-api.ts';

export const LEVELS = {
  must: 'must (its violation fails the verdict)',
  should: 'should (its violation is a warning)',
} as const satisfies Readonly<Record<Rule['level'], string>>;

/** `example`: how a broken engine violates it. */
export function explainRule(rule: Rule, example?: RuleFinding): string {
  const rows: readonly (readonly [string, string])[] = [
    ['level', LEVELS[rule.level]],
    ['the platform says', `${rule.clause} (${rule.source}; ${rule.fidelity})`],
    ['what breaks', rule.breaks],
    ['how to mend it', rule.remedy],
    ['decided by', rule.evidence],
    [
      'judged for',
      rule.needs === undefined ? 'every engine' : `engines that declare ${rule.needs.join(', ')}`,
    ],
    ['exercised by', rule.scenarios.join(', ')],
    ['catches', rule.mutants.join(', ')],
  ];
  const text = rows.flatMap(([name, value]) => ['', `${name}:`, ...wrap(value)]);
  return [`${rule.id}: an engine ${rule.title}`, ...text, ...describeExample(example)].join('\n');
}

function describeExample(example: RuleFinding | undefined): readonly string[] {
  if (example === undefined) return [];
  const { scenario, engine, expected, actual, lines } = example;
  return [
    '',
    `example: ${engine} in ${scenario}`,
    `  expected ${expected}`,
    `  got ${actual}`,
    ...lines.map((line) => `    ${line}`),
  ];
}

const COLUMNS = 96;

function wrap(text: string): readonly string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length + 1 > COLUMNS) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `  ${line}`);
}

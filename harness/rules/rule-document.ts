/** The catalogue of rules as a document. */
import { AREA_TITLES } from './area-titles.ts';
import { RULES } from './catalogue.ts';
import { RULE_AREAS, type Rule } from './rule-api.ts';

const HEAD = `# Conformance rules

This document is made by \`backlot list rules --markdown > RULES.md\`; a test holds it to the code.

A rule is a pure function over the journal of one world, so it judges a run in process, somebody else's engine over real
sockets, and a recorded journal (\`backlot judge FILE\`) alike. It has one outcome over all runs that were looked at:

| outcome | |
|---|---|
| passed | there was something to judge, and all of it was right |
| violated | a \`must\` fails the verdict, a \`should\` is a warning |
| waived | violated, and somebody has signed for it until a day that has not come yet |
| not-exercised | nothing was there to judge; this is no pass |
| not-applicable | the engine does not declare what the rule needs |

What a planned fault did (a lost answer, a cut connection, a lock that was ended) is nobody's violation. \`backlot explain
LOCK-1\` prints a rule with an example of its violation. Fidelity says how sure it is that the platform means it:
documented by the vendor, observed in clients that work, or assumed.
`;

/** Markdown, ended by a newline. */
export function ruleDocument(): string {
  const areas = RULE_AREAS.flatMap((area) => {
    const rules = RULES.filter(({ id }) => id.startsWith(`${area}-`));
    return rules.length === 0
      ? []
      : [`## ${area}: ${AREA_TITLES[area]}\n`, tableOf(rules), ...rules.map(sectionOf)];
  });
  const musts = RULES.filter(({ level }) => level === 'must').length;
  const count = `There are ${RULES.length} rules: ${musts} \`must\`, ${RULES.length - musts} \`should\`.\n`;
  return [HEAD, count, ...areas].join('\n');
}

function tableOf(rules: readonly Rule[]): string {
  const rows = rules.map(({ id, title, level, fidelity }) => `| ${id} | ${title} | ${level} | ${fidelity} |`);
  return ['| rule | an engine ... | level | fidelity |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function sectionOf(rule: Rule): string {
  const { id, title, clause, source, breaks, remedy, evidence, scenarios, mutants, needs } = rule;
  const judged = needs === undefined ? [] : [`- judged for engines that declare ${needs.join(', ')}`];
  return [
    `### ${id}`,
    `${title[0]?.toUpperCase()}${title.slice(1)}.`,
    '',
    `- platform: ${clause} (${source})`,
    `- what breaks: ${breaks}`,
    `- remedy: ${remedy}`,
    `- evidence: ${evidence}`,
    ...judged,
    `- scenarios: ${scenarios.join(', ')}`,
    `- catches: ${mutants.join(', ')}`,
    '',
  ].join('\n');
}

/** Which scenario and which rule finds each mutant out, as a document. Tests play all of it. */
import { RULES } from '../rules/catalogue.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';

const HEAD = `# Mutants

This document is made by \`backlot list mutants --markdown > MUTANTS.md\`; a test holds it to the code, and
\`test/simulation/mutants.test.ts\` plays every row: the scenario passes with the sound engine and the sound platform, and
with the mutant it fails or breaks the rules that are named here. \`backlot mutants\` plays them all and shows the reasons.
`;

/** Ids of the rules that claim to catch it. */
export function rulesThatCatch({ id }: Mutant): readonly string[] {
  return RULES.filter(({ mutants }) => mutants.includes(id)).map((rule) => rule.id);
}

/** Markdown, ended by a newline. */
export function mutantDocument(): string {
  const byRule = MUTANTS.filter((mutant) => rulesThatCatch(mutant).length > 0).length;
  const count = `There are ${MUTANTS.length} mutants; ${byRule} of them are caught by a rule too.\n`;
  return [HEAD, count, tableOf('engine'), tableOf('simulator')].join('\n');
}

function tableOf(breaks: Mutant['breaks']): string {
  const title = breaks === 'engine' ? 'Broken engines' : 'Broken platforms';
  const rows = MUTANTS.filter((mutant) => mutant.breaks === breaks).map(rowOf);
  return [
    `## ${title}`,
    '| mutant | what it does | scenarios | rules |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function rowOf(mutant: Mutant): string {
  const { id, title, killers } = mutant;
  return `| ${id} | ${title} | ${killers.join(', ')} | ${rulesThatCatch(mutant).join(', ')} |`;
}

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { mutantDocument, rulesThatCatch } from '../../../harness/mutants/mutant-document.ts';
import { MUTANTS } from '../../../harness/mutants/mutants.ts';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { explainRule } from '../../../harness/rules/explain-rule.ts';
import { ruleDocument } from '../../../harness/rules/rule-document.ts';
import { loadScenarios } from '../../../harness/runner/load-scenarios.ts';

/** A word of the product's API may stand first. */
const SENTENCES = /^([A-Z0-9"]|[a-z]+_).*[.!?]"?$/s;

it('RULES.md is made from the catalogue (backlot list rules --markdown > RULES.md)', () => {
  expect(readFileSync('RULES.md', 'utf8')).toBe(ruleDocument());
});

it('MUTANTS.md is made from the mutants and the rules (backlot list mutants --markdown > MUTANTS.md)', () => {
  expect(readFileSync('MUTANTS.md', 'utf8')).toBe(mutantDocument());
});

it('rules name scenarios and mutants that exist', () => {
  const scenarios = new Set(loadScenarios('scenarios').map(({ id }) => id));
  const mutants = new Set(MUTANTS.map(({ id }) => id));
  const strangers = RULES.flatMap((rule) => [
    ...rule.scenarios.filter((id) => !scenarios.has(id)).map((id) => `${rule.id} ${id}`),
    ...rule.mutants.filter((id) => !mutants.has(id)).map((id) => `${rule.id} ${id}`),
  ]);
  expect(strangers).toEqual([]);
});

it('every rule says what it is, why, and what to do, in whole sentences', () => {
  for (const rule of RULES) {
    expect(rule.title, rule.id).toMatch(/^[a-z].*[^.]$/);
    for (const text of [rule.clause, rule.breaks, rule.remedy]) expect(text, rule.id).toMatch(SENTENCES);
  }
});

it('an explanation has all of a rule', () => {
  for (const rule of RULES) {
    const text = explainRule(rule).replaceAll(/\s+/g, ' ');
    for (const part of [
      rule.id,
      rule.title,
      rule.clause,
      rule.source,
      rule.breaks,
      rule.remedy,
      rule.evidence,
    ])
      expect(text).toContain(part.replaceAll(/\s+/g, ' '));
  }
});

it('most mutants of engines are caught by a rule', () => {
  const engines = MUTANTS.filter(({ breaks }) => breaks === 'engine');
  const caught = engines.filter((mutant) => rulesThatCatch(mutant).length > 0);
  expect(caught.length / engines.length).toBeGreaterThan(0.7);
});

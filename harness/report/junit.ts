/**
 * JUnit XML as GitLab, Jenkins and GitHub read it: a suite per engine with a case per scenario, and a suite of rules.
 * Inconclusive is a failure: it proves nothing. A rule that nothing exercised is skipped. The format has no warning: a
 * `should` that was violated is a passed case that says so in its output.
 */
import type { ScenarioResult } from '../runner/outcome.ts';
import { describeFinding, describeViolation } from './describe-finding.ts';
import { engineLabel } from './engine-label.ts';
import { escapeMarkup } from './escape-markup.ts';
import type { Report, ReportedResult } from './report.ts';
import type { ReportedRule } from './reported-rule.ts';

export function renderJunit(report: Report): string {
  const engines = [...new Set(report.results.map(engineLabel))];
  const suites = engines.map((engine) =>
    renderSuite(
      engine,
      report.results.filter((result) => engineLabel(result) === engine),
    ),
  );
  const { results, rules } = report;
  const failures = countOf(results, 'failed', 'inconclusive') + rules.filter(isFailure).length;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    // No "skipped" here: the schema of Jenkins knows it of suites only.
    `<testsuites name="backlot" tests="${results.length + rules.length}" failures="${failures}" errors="${countOf(results, 'broken')}" time="${seconds(results)}">`,
    ...suites,
    ...(rules.length === 0 ? [] : [renderRules(rules)]),
    '</testsuites>',
    '',
  ].join('\n');
}

function renderSuite(engine: string, results: readonly ReportedResult[]): string {
  const head = `  <testsuite name="${escapeMarkup(engine)}" tests="${results.length}" ${counts(results)} time="${seconds(results)}">`;
  return [head, ...results.map(renderCase), '  </testsuite>'].join('\n');
}

function renderCase(result: ReportedResult): string {
  const time = (result.durationMs / 1000).toFixed(3);
  const head = `    <testcase classname="backlot.${escapeMarkup(engineLabel(result))}" name="${escapeMarkup(`${result.scenario}: ${result.title}`)}" time="${time}"`;
  const inner = renderOutcome(result);
  return inner === '' ? `${head}/>` : `${head}>\n      ${inner}\n    </testcase>`;
}

function renderOutcome(result: ReportedResult): string {
  const message = escapeMarkup(result.reason);
  const repeat = `Repeat it: ${result.command}`;
  const details = escapeMarkup([result.rule, ...result.findings.map(describeFinding), repeat].join('\n\n'));
  switch (result.outcome) {
    case 'passed':
      return '';
    case 'skipped':
      return `<skipped message="${message}"/>`;
    case 'broken':
      return `<error type="broken" message="${message}">${details}</error>`;
    case 'failed':
    case 'inconclusive':
      return `<failure type="${result.outcome}" message="${message}">${details}</failure>`;
  }
}

function renderRules(rules: readonly ReportedRule[]): string {
  const skipped = rules.filter(isSkipped).length;
  return [
    `  <testsuite name="rules" tests="${rules.length}" failures="${rules.filter(isFailure).length}" errors="0" skipped="${skipped}" time="0.000">`,
    ...rules.map(renderRule),
    '  </testsuite>',
  ].join('\n');
}

function isFailure({ level, outcome }: ReportedRule): boolean {
  return level === 'must' && outcome === 'violated';
}

function isSkipped({ outcome }: ReportedRule): boolean {
  return outcome !== 'passed' && outcome !== 'violated';
}

function renderRule(rule: ReportedRule): string {
  const { area, title, level, outcome, violations } = rule;
  const head = `    <testcase classname="backlot.rules.${area}" name="${escapeMarkup(`${rule.rule} (${level}): ${title}`)}" time="0.000"`;
  if (outcome === 'passed') return `${head}/>`;
  const details = escapeMarkup([rule.breaks, rule.remedy, ...violations.map(describeViolation)].join('\n\n'));
  const message = escapeMarkup(
    outcome === 'violated' ? `${title}: violated ${violations.length} times` : outcome.replace('-', ' '),
  );
  const inner = isSkipped(rule)
    ? `<skipped message="${message}"/>`
    : isFailure(rule)
      ? `<failure type="violated" message="${message}">${details}</failure>`
      : `<system-out>Warning: ${message}\n\n${details}</system-out>`;
  return `${head}>\n      ${inner}\n    </testcase>`;
}

function counts(results: readonly ScenarioResult[]): string {
  return `failures="${countOf(results, 'failed', 'inconclusive')}" errors="${countOf(results, 'broken')}" skipped="${countOf(results, 'skipped')}"`;
}

function countOf(results: readonly ScenarioResult[], ...outcomes: readonly string[]): number {
  return results.filter(({ outcome }) => outcomes.includes(outcome)).length;
}

function seconds(results: readonly ScenarioResult[]): string {
  return (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000).toFixed(3);
}

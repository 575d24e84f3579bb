/** JUnit XML as CI systems read it: a suite per engine, a case per scenario. Inconclusive is a failure: it proves nothing. */
import type { ScenarioResult } from '../runner/outcome.ts';
import { describeFinding } from './describe-finding.ts';
import { engineLabel } from './engine-label.ts';
import { escapeMarkup } from './escape-markup.ts';
import type { Report } from './report.ts';

export function renderJunit(report: Report): string {
  const engines = [...new Set(report.results.map(engineLabel))];
  const suites = engines.map((engine) =>
    renderSuite(
      engine,
      report.results.filter((result) => engineLabel(result) === engine),
    ),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="backlot" tests="${report.results.length}" ${counts(report.results)} time="${seconds(report.results)}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function renderSuite(engine: string, results: readonly ScenarioResult[]): string {
  const head = `  <testsuite name="${escapeMarkup(engine)}" tests="${results.length}" ${counts(results)} time="${seconds(results)}">`;
  return [head, ...results.map(renderCase), '  </testsuite>'].join('\n');
}

function renderCase(result: ScenarioResult): string {
  const time = (result.durationMs / 1000).toFixed(3);
  const head = `    <testcase classname="backlot.${escapeMarkup(engineLabel(result))}" name="${escapeMarkup(`${result.scenario}: ${result.title}`)}" time="${time}"`;
  const inner = renderOutcome(result);
  return inner === '' ? `${head}/>` : `${head}>\n      ${inner}\n    </testcase>`;
}

function renderOutcome(result: ScenarioResult): string {
  const message = escapeMarkup(result.reason);
  const details = escapeMarkup([result.rule, ...result.findings.map(describeFinding)].join('\n\n'));
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

function counts(results: readonly ScenarioResult[]): string {
  const count = (...outcomes: readonly string[]): number =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return `failures="${count('failed', 'inconclusive')}" errors="${count('broken')}" skipped="${count('skipped')}"`;
}

function seconds(results: readonly ScenarioResult[]): string {
  return (results.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000).toFixed(3);
}

/** The top of the page: what it came to in one sentence, the numbers, what is wrong, and what has changed. */
import type { Change } from '../baseline.ts';
import { engineLabel } from '../engine-label.ts';
import { escapeMarkup } from '../escape-markup.ts';
import type { Report, ReportedResult } from '../report.ts';
import { bytesText, countText, durationText, ruleAnchor, runAnchor } from './page-words.ts';

const WORDS = { pass: 'Pass', fail: 'Fail', inconclusive: 'Inconclusive', broken: 'Broken' } as const;

export function renderVerdict(report: Report): string {
  const { verdict, environment } = report;
  return `<header class="verdict ${verdict.outcome}">
<p class="brand">backlot conformance report · ${escapeMarkup(environment.engine)}</p>
<h1><span class="stamp">${WORDS[verdict.outcome]}</span> ${escapeMarkup(verdict.sentence)}</h1>
<ul class="numbers">${numbersOf(report).map(renderNumber).join('')}</ul>
<nav aria-label="Parts of the report"><a href="#rules">Rules</a> <a href="#scenarios">Scenarios</a> <a href="#environment">Environment</a></nav>
</header>`;
}

interface BigNumber {
  readonly value: string;
  readonly what: string;
  readonly tone?: 'good' | 'bad';
}

function renderNumber({ value, what, tone = 'good' }: BigNumber): string {
  return `<li class="${tone}"><b>${escapeMarkup(value)}</b> ${escapeMarkup(what)}</li>`;
}

function numbersOf({ summary, rules, results }: Report): readonly BigNumber[] {
  const played = results.filter(({ outcome }) => outcome !== 'skipped');
  const ruled = (outcome: string): number => rules.filter((rule) => rule.outcome === outcome).length;
  const bytes = played.reduce((sum, { comparedBytes }) => sum + comparedBytes, 0);
  const ms = played.reduce((sum, { virtualMs }) => sum + virtualMs, 0);
  const bad = (count: number, what: string): readonly BigNumber[] =>
    count === 0 ? [] : [{ value: `${count}`, what, tone: 'bad' }];
  return [
    { value: `${summary.passed} of ${played.length}`, what: 'scenarios passed' },
    ...(rules.length === 0 ? [] : [{ value: `${ruled('passed')} of ${rules.length}`, what: 'rules kept' }]),
    ...bad(ruled('violated'), 'rules violated'),
    ...(ruled('not-exercised') === 0
      ? []
      : [{ value: `${ruled('not-exercised')}`, what: 'rules not exercised' }]),
    { value: bytesText(bytes), what: 'compared, byte by byte' },
    { value: durationText(ms), what: 'on the platform' },
  ];
}

/** A manager reads no further than this; an engineer begins here. */
const MOST_PROBLEMS = 8;

export function renderProblems({ rules, results }: Report): string {
  const violated = rules
    .filter(({ outcome }) => outcome === 'violated')
    .toSorted((a, b) => Number(a.level === 'should') - Number(b.level === 'should'))
    .map(({ rule, level, title, breaks }) => {
      const what = level === 'must' ? 'Rule' : 'Warning';
      return `<li><a href="#${ruleAnchor(rule)}">${what} ${escapeMarkup(rule)}</a> A conforming engine ${escapeMarkup(title)}. In the field: ${escapeMarkup(breaks)}</li>`;
    });
  const scenarios = [...new Set(results.filter(isTrouble).map(({ scenario }) => scenario))];
  const failed = scenarios.map((scenario) => renderFailed(scenario, results));
  const all = [...violated, ...failed];
  if (all.length === 0) return '';
  const rest = all.length - MOST_PROBLEMS;
  const more =
    rest > 0
      ? `<p>and ${countText(rest, 'more', 'more')}, under <a href="#rules">rules</a> and <a href="#scenarios">scenarios</a></p>`
      : '';
  return `<section class="problems" aria-labelledby="problems"><h2 id="problems">What is wrong</h2><ol>${all.slice(0, MOST_PROBLEMS).join('\n')}</ol>${more}</section>`;
}

function isTrouble({ outcome }: ReportedResult): boolean {
  return outcome !== 'passed' && outcome !== 'skipped';
}

/** One line for a scenario, with a link for each engine. */
function renderFailed(scenario: string, results: readonly ReportedResult[]): string {
  const own = results
    .map((result, index) => ({ result, index }))
    .filter(({ result }) => result.scenario === scenario && isTrouble(result));
  const links = own.map(
    ({ result, index }) => `<a href="#${runAnchor(index)}">${escapeMarkup(engineLabel(result))}</a>`,
  );
  return `<li><b>${escapeMarkup(scenario)}</b> with ${links.join(', ')}: ${escapeMarkup(own[0]?.result.reason ?? '')}</li>`;
}

export function renderComparison({ comparison }: Report): string {
  if (comparison === undefined) return '';
  const { regressions, improvements, added, missing } = comparison;
  const parts = [
    renderChanges('Worse', regressions),
    renderChanges('Better', improvements),
    renderChanges('New', added),
    renderChanges('Not looked at', missing),
  ].join('');
  return `<section aria-labelledby="comparison"><h2 id="comparison">Since the baseline</h2>${parts || '<p>Nothing has changed.</p>'}</section>`;
}

function renderChanges(title: string, changes: readonly Change[]): string {
  if (changes.length === 0) return '';
  const lines = changes.map(
    ({ what, before = 'not there', now = 'not seen' }) =>
      `<li>${escapeMarkup(what)}: ${escapeMarkup(before)} → ${escapeMarkup(now)}</li>`,
  );
  return `<details${title === 'Worse' ? ' open' : ''}><summary>${title}: ${changes.length}</summary><ul>${lines.join('')}</ul></details>`;
}

export function renderEnvironment({ environment, seed, sometimes, durationMs }: Report): string {
  const facts = {
    Engine: environment.engine,
    Seed: seed,
    Time: environment.time,
    backlot: environment.backlot,
    Node: environment.node,
    Platform: environment.platform,
    'Real time': durationText(durationMs),
  };
  const rows = Object.entries(facts).map(
    ([name, value]) => `<div><dt>${name}</dt><dd>${escapeMarkup(value)}</dd></div>`,
  );
  const searched = sometimes.map(
    ({ id, title, happened }) =>
      `<li><span class="chip ${happened > 0 ? 'passed' : 'inconclusive'}">${happened > 0 ? countText(happened, 'run') : 'never'}</span> <code>${escapeMarkup(id)}</code> ${escapeMarkup(title)}</li>`,
  );
  const search =
    searched.length === 0
      ? ''
      : `<section aria-labelledby="sometimes"><h2 id="sometimes">What must happen sometimes</h2><ul class="plain">${searched.join('')}</ul></section>`;
  return `${search}<section aria-labelledby="environment"><h2 id="environment">Environment</h2><dl>${rows.join('')}</dl></section>`;
}

/** Every scenario with every engine: a line that opens to the findings, the disk, the timeline and the command. */
import type { Finding, Outcome } from '../../runner/outcome.ts';
import type { DiskMap } from '../../runner/run-evidence.ts';
import { engineLabel } from '../engine-label.ts';
import { escapeMarkup } from '../escape-markup.ts';
import type { Report, ReportedResult } from '../report.ts';
import type { ReportedRule } from '../reported-rule.ts';
import { diagnoseDisk } from './disk-diagnosis.ts';
import { bytesText, countText, durationText, ruleAnchor, runAnchor } from './page-words.ts';

/** In the order in which one wants to see them. */
const ORDER: readonly Outcome[] = ['failed', 'broken', 'inconclusive', 'passed', 'skipped'];

export function renderScenarios({ results, rules }: Report): string {
  const indexed = results.map((result, index) => ({ result, index }));
  const rows = ORDER.flatMap((outcome) => indexed.filter(({ result }) => result.outcome === outcome));
  return `<section aria-labelledby="scenarios"><h2 id="scenarios">Scenarios</h2>
${renderForm(results)}
<ol class="runs">
${rows.map(({ result, index }) => renderRun(result, index, rules)).join('\n')}
</ol>
<p class="none" hidden>No scenario is like that. <button type="button" class="reset">Show all</button></p></section>`;
}

/** Shown by the script, without which it does nothing. */
function renderForm(results: readonly ReportedResult[]): string {
  const outcomes = ORDER.filter((outcome) => results.some((result) => result.outcome === outcome));
  const boxes = outcomes.map((outcome) => {
    const count = results.filter((result) => result.outcome === outcome).length;
    return `<label><input type="checkbox" name="outcome" value="${outcome}" checked> ${outcome} (${count})</label>`;
  });
  const engines = [...new Set(results.map(engineLabel))].map(
    (engine) => `<option>${escapeMarkup(engine)}</option>`,
  );
  return `<form class="filter" hidden>
<label class="search">Search <input type="search" name="words" placeholder="id, title, reason, rule" aria-keyshortcuts="/"> <kbd>/</kbd></label>
<label>Engine <select name="engine"><option value="">all</option>${engines.join('')}</select></label>
<fieldset><legend>Outcome</legend>${boxes.join(' ')}</fieldset>
<output aria-live="polite"></output>
</form>`;
}

function renderRun(result: ReportedResult, index: number, rules: readonly ReportedRule[]): string {
  const { outcome, scenario, title, comparedBytes, virtualMs } = result;
  const engine = escapeMarkup(engineLabel(result));
  return `<li><details class="run ${outcome}" id="${runAnchor(index)}" data-run="${index}" data-outcome="${outcome}" data-engine="${engine}"><summary><span class="chip ${outcome}">${outcome}</span> <span class="name"><code>${escapeMarkup(scenario)}</code> ${escapeMarkup(title)}</span> <span class="engine">${engine}</span> <span class="number">${outcome === 'skipped' ? '' : `${bytesText(comparedBytes)}, ${durationText(virtualMs)}`}</span></summary>
${renderBody(result, index, rules)}
</details></li>`;
}

function renderBody(result: ReportedResult, index: number, rules: readonly ReportedRule[]): string {
  const { reason, rule, findings, command, timeline } = result;
  return [
    ...(reason === '' ? [] : [`<p class="reason">${escapeMarkup(reason)}</p>`]),
    `<p>${escapeMarkup(rule)}</p>`,
    ...renderBrokenRules(result, rules),
    ...findings.map((finding, at) => renderFinding(finding, `${index}.${at}`)),
    ...(command === '' ? [] : [renderCommand(command)]),
    ...(timeline === undefined ? [] : ['<div class="timeline-place"></div>']),
    `<p class="facts">${escapeMarkup(factsOf(result))}</p>`,
  ].join('\n');
}

/** The way back from a run to the rules that it broke. */
function renderBrokenRules(
  { scenario, engine }: ReportedResult,
  rules: readonly ReportedRule[],
): readonly string[] {
  const broken = rules.filter(({ violations }) =>
    violations.some((finding) => finding.scenario === scenario && finding.engine === engine),
  );
  if (broken.length === 0) return [];
  const links = broken.map(
    ({ rule, title }) =>
      `<a href="#${ruleAnchor(rule)}" title="${escapeMarkup(title)}">${escapeMarkup(rule)}</a>`,
  );
  return [`<p class="broken-rules">Rules broken here: ${links.join(', ')}</p>`];
}

function renderFinding({ where, expected, actual, evidence, disk }: Finding, key: string): string {
  return `<div class="finding"><h4>${escapeMarkup(where)}</h4>
<dl><div><dt>Expected</dt><dd>${escapeMarkup(expected)}</dd></div><div><dt>Got</dt><dd>${escapeMarkup(actual)}</dd></div></dl>
${evidence.length === 0 ? '' : `<pre tabindex="0" aria-label="Evidence">${escapeMarkup(evidence.join('\n'))}</pre>`}${disk === undefined ? '' : renderDisk(disk, key)}</div>`;
}

/** The picture is drawn when it is looked at; the words are there without. */
function renderDisk(disk: DiskMap, key: string): string {
  const words = diagnoseDisk(disk).map((line) => `<li>${escapeMarkup(line)}</li>`);
  return `<figure class="disk" data-disk="${key}"><figcaption><b>${escapeMarkup(disk.disk)}</b>, ${bytesText(disk.sizeBytes)}, in blocks of ${bytesText(disk.blockBytes)}<ul>${words.join('')}</ul></figcaption></figure>`;
}

function renderCommand(command: string): string {
  return `<p class="command">Repeat it: <code tabindex="0">${escapeMarkup(command)}</code> <button type="button" class="copy" hidden>Copy</button></p>`;
}

function factsOf({ faults, stories, journalEntries, journalHash, runs, outcome }: ReportedResult): string {
  if (outcome === 'skipped') return 'Not played.';
  const fired = faults.map(({ id, kind, fired: times }) => `${id} (${kind}) ${countText(times, 'time')}`);
  return [
    ...(stories.length === 0 ? [] : [`Stories of failure: ${stories.join(', ')}.`]),
    ...(fired.length === 0 ? [] : [`Faults that struck: ${fired.join(', ')}.`]),
    `Journal: ${countText(journalEntries, 'entry', 'entries')}, SHA-256 ${journalHash}.`,
    runs === 2 ? 'Played twice.' : 'Played once: programs outside make no two journals alike.',
  ].join(' ');
}

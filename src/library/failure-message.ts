/** What a failed test says: all that somebody needs who sees nothing but the log of a CI job. */
import { describeFinding, describeViolation } from '../../harness/report/describe-finding.ts';
import { diagnoseDisk } from '../../harness/report/page/disk-diagnosis.ts';
import type { Rule, RuleVerdict } from '../../harness/rules/rule-api.ts';
import type { Finding, ScenarioResult } from '../../harness/runner/outcome.ts';
import type { TimelineData } from '../../harness/runner/run-evidence.ts';

/** Rows of the timeline that are told: those that stand out, and the last ones. */
const LAST_ROWS = 8;

export function describeScenario(result: ScenarioResult, command: string): string {
  const { scenario, engine, outcome, reason, rule, findings, timeline } = result;
  return [
    `${scenario} with ${engine}: ${outcome}`,
    reason,
    `What it asks of a product: ${rule}`,
    ...findings.map(describeWithDisk),
    ...(timeline === undefined ? [] : [describeTimeline(timeline)]),
    `Repeat it: ${command}`,
  ].join('\n\n');
}

export function describeViolations(rule: Rule, { violations, hidden = 0 }: RuleVerdict): string {
  const more = hidden === 0 ? [] : [`and ${hidden} more`];
  return [
    `${rule.id}, ${rule.level}: a conforming engine ${rule.title}`,
    `In the field: ${rule.breaks}`,
    `What to do: ${rule.remedy}`,
    ...violations.map(describeViolation),
    ...more,
  ].join('\n\n');
}

function describeWithDisk(finding: Finding): string {
  const { disk } = finding;
  const lines = disk === undefined ? [] : diagnoseDisk(disk).map((line) => `  ${disk.disk}: ${line}`);
  return [describeFinding(finding), ...lines].join('\n');
}

function describeTimeline({ rows, lanes }: TimelineData): string {
  const told = rows.filter(({ tone }, at) => tone !== undefined || at >= rows.length - LAST_ROWS);
  const lines = told.map(
    ({ ms, lane, text }) => `  ${(ms / 1000).toFixed(3).padStart(9)} s  ${lanes[lane]?.title ?? ''}: ${text}`,
  );
  return ['What happened last:', ...lines].join('\n');
}

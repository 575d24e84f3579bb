/** Reports as they come out of a run, made by hand. */
import { buildReport, type Report } from '../../../harness/report/report.ts';
import type { ReportedRule } from '../../../harness/report/reported-rule.ts';
import type { Outcome, ScenarioResult } from '../../../harness/runner/outcome.ts';
import type { DiskMap, TimelineData } from '../../../harness/runner/run-evidence.ts';

const ENVIRONMENT = {
  backlot: '1.0.0',
  node: 'v24',
  platform: 'linux x64',
  time: 'virtual',
  engine: 'reference',
};

export const DISK: DiskMap = {
  disk: 'vm1/ide0',
  sizeBytes: 2 ** 20,
  blockBytes: 65_536,
  allocated: [[0, 8]],
  asked: [[0, 5]],
  changed: [[2, 2]],
  read: [[2, 1]],
  written: [],
  wrong: [[2, 4]],
};

export const TIMELINE: TimelineData = {
  lanes: [
    { key: 'engine', title: 'Engine' },
    { key: 'other', title: 'REST' },
  ],
  rows: [
    { n: 3, ms: 0, lane: 0, text: 'backup of vm1 begins', begins: 'job 1' },
    { n: 12, ms: 250, lane: 1, text: '500 snapshot', tone: 'bad' },
    { n: 40, ms: 1500, lane: 0, text: 'backup of vm1 FAILS', tone: 'bad', ends: ['job 1'] },
  ],
  omitted: 0,
};

export function result(outcome: Outcome, change: Partial<ScenarioResult> = {}): ScenarioResult {
  const finding = {
    where: 'byte oracle',
    expected: 'write 2',
    actual: 'write 1',
    evidence: ['at 0'],
    disk: DISK,
  };
  return {
    scenario: 'S001-first',
    title: 'A & B <c> "d"',
    engine: 'nbd',
    outcome,
    reason: outcome === 'passed' ? '' : 'because <of> it',
    findings: outcome === 'failed' ? [finding] : [],
    runs: 2,
    durationMs: 1500,
    virtualMs: 60_000,
    journalHash: 'abc',
    journalEntries: 12,
    comparedBytes: 2 ** 20,
    faults: [],
    stories: ['F10'],
    rule: 'A product must do this.',
    ...(outcome === 'failed' ? { timeline: TIMELINE } : {}),
    ...change,
  };
}

export function rule(outcome: ReportedRule['outcome'], change: Partial<ReportedRule> = {}): ReportedRule {
  const violation = {
    at: 12,
    expected: 'a renewal within 120 s',
    actual: 'none for 300 s',
    evidence: [12],
    scenario: 'S001-first',
    engine: 'nbd',
    lines: ['12 04:05:06.250 PUT <backup-resources>'],
  };
  return {
    rule: 'LOCK-2',
    area: 'LOCK',
    level: 'must',
    outcome,
    exercised: outcome === 'not-exercised' ? 0 : 4,
    title: 'renews a backup resource in time',
    clause: 'Backup resources expire.',
    source: 'guide',
    fidelity: 'documented',
    breaks: 'The backup ends half way.',
    remedy: 'Renew every minute.',
    violations: outcome === 'violated' || outcome === 'waived' ? [violation] : [],
    ...change,
  };
}

export function reportOf(
  results: readonly ScenarioResult[],
  rules: readonly ReportedRule[] = [],
  seed = '1',
): Report {
  return buildReport({ seed, results, rules, durationMs: 3000, environment: ENVIRONMENT });
}

/** The files that a report is written to, and the flags that ask for them. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { renderBadge } from '../../harness/report/badge.ts';
import { type Comparison, compareReports } from '../../harness/report/baseline.ts';
import { renderHtml } from '../../harness/report/html.ts';
import { renderJunit } from '../../harness/report/junit.ts';
import { readReport, ReportInvalid } from '../../harness/report/read-report.ts';
import type { Report } from '../../harness/report/report.ts';
import { renderSummary } from '../../harness/report/summary.ts';
import { CliError } from './cli-error.ts';

export interface ReportFlags {
  /** `true`: to the file that GitHub names, else to standard output. */
  readonly summary?: string | true;
  readonly badge?: string;
  readonly baseline?: string;
}

export const SUMMARY_FLAG = [
  '--summary [file]',
  'append a Markdown summary: there, or where GITHUB_STEP_SUMMARY says, or to standard output',
] as const;
export const BADGE_FLAG = ['--badge <file>', 'write a badge with the verdict, an SVG'] as const;

export function addReportFlags(command: Command): void {
  command
    .option(...SUMMARY_FLAG)
    .option(...BADGE_FLAG)
    .option('--baseline <file>', 'an earlier report.json: fail only on what has become worse since');
}

/** Read before anything is played, so that a mistyped name costs no run. @throws CliError */
export function readBaseline({ baseline }: ReportFlags): Report | undefined {
  return baseline === undefined ? undefined : readReportFile(baseline, 'the baseline');
}

/** @throws CliError */
export function readReportFile(file: string, what: string): Report {
  const advice = 'It takes a report.json that "backlot run" of this version has written.';
  try {
    return readReport(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof ReportInvalid)
      throw new CliError('usage', `${what} ${file} is no report: ${error.message}`, advice);
    throw new CliError('usage', `${what} ${file} cannot be read: ${messageOf(error)}`, advice);
  }
}

export function withBaseline(report: Report, baseline: Report | undefined): Report {
  return baseline === undefined ? report : { ...report, comparison: compareReports(baseline, report) };
}

/** report.json, junit.xml and report.html in a folder, and what the flags ask for. */
export function writeReports(folder: string, report: Report, flags: ReportFlags): void {
  writeText(join(folder, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`);
  writeText(join(folder, 'junit.xml'), renderJunit(report));
  writeText(join(folder, 'report.html'), renderHtml(report));
  writeExtras(report, flags);
}

export function writeExtras(report: Report, { badge, summary }: ReportFlags): void {
  if (badge !== undefined) writeText(badge, renderBadge(report));
  if (summary === undefined) return;
  const file = summary === true ? process.env['GITHUB_STEP_SUMMARY'] : summary;
  if (file === undefined || file === '') process.stdout.write(renderSummary(report));
  else writeText(file, renderSummary(report), appendFileSync);
}

/** Makes the folder where there is none. @throws CliError */
export function writeText(
  file: string,
  text: string,
  write: (file: string, text: string) => void = writeFileSync,
): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    write(file, text);
  } catch (error) {
    throw new CliError(
      'environment',
      `${file} cannot be written: ${messageOf(error)}`,
      'Choose another place for the reports.',
    );
  }
}

/** What has changed since the baseline, for a terminal. */
export function describeComparison({ regressions, improvements, added, missing }: Comparison): string {
  const line = (word: string, changes: typeof regressions): readonly string[] =>
    changes.map(({ what, before = 'new', now = 'not seen' }) => `${word} ${what}: ${before} -> ${now}`);
  const lines = [
    ...line('WORSE ', regressions),
    ...line('better', improvements),
    ...line('new   ', added),
    ...(missing.length === 0 ? [] : [`${missing.length} of the baseline were not looked at`]),
  ];
  return lines.length === 0 ? 'As in the baseline' : lines.join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

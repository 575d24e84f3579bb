/** `backlot report`: a report.json in its other forms. */
import type { Command } from 'commander';
import { renderHtml } from '../../harness/report/html.ts';
import { renderJunit } from '../../harness/report/junit.ts';
import { exitCodeOf } from '../../harness/report/report.ts';
import { renderTable } from '../../harness/report/table.ts';
import {
  addReportFlags,
  describeComparison,
  readBaseline,
  readReportFile,
  type ReportFlags,
  withBaseline,
  writeExtras,
  writeText,
} from './report-files.ts';

interface Flags extends ReportFlags {
  readonly html?: string;
  readonly junit?: string;
}

export function registerReportCommands(program: Command): void {
  const command = program
    .command('report')
    .description('show a report.json again, or turn it into its other forms')
    .argument('<file>', 'a report.json')
    .option('--html <file>', 'write the page')
    .option('--junit <file>', 'write JUnit XML')
    .addHelpText(
      'after',
      `
Examples:
  backlot report reports/report.json
  backlot report report.json --html report.html --junit junit.xml --badge badge.svg
  backlot report reports/report.json --baseline last-week.json
Exit codes: those of the run: 0 passed, 1 findings (with a baseline: regressions), 2 wrong usage, 70 backlot failed.`,
    )
    .action(show);
  addReportFlags(command);
}

function show(file: string, flags: Flags): void {
  const report = withBaseline(readReportFile(file, 'the file'), readBaseline(flags));
  if (flags.html !== undefined) writeText(flags.html, renderHtml(report));
  if (flags.junit !== undefined) writeText(flags.junit, renderJunit(report));
  writeExtras(report, flags);
  if (flags.summary !== true) process.stdout.write(`${renderTable(report, process.stdout.isTTY)}\n`);
  if (flags.baseline !== undefined && report.comparison !== undefined)
    process.stdout.write(`${describeComparison(report.comparison)}\n`);
  process.exitCode = exitCodeOf(report);
}

import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../harness/report/html.ts';
import { renderJunit } from '../../../harness/report/junit.ts';
import { createProgress } from '../../../harness/report/progress.ts';
import { buildReport, exitCodeOf, type Report } from '../../../harness/report/report.ts';
import { renderTable } from '../../../harness/report/table.ts';
import type { Outcome, ScenarioResult } from '../../../harness/runner/outcome.ts';
import { result } from '../report/report-stage.ts';

const reportOf = (seed: string, results: readonly ScenarioResult[]): Report =>
  buildReport({ seed, results, durationMs: 3000, environment: ENVIRONMENT });

const ENVIRONMENT = {
  backlot: '1.0.0',
  node: 'v24',
  platform: 'linux x64',
  time: 'virtual',
  engine: 'reference',
};

const OUTCOMES: readonly Outcome[] = ['passed', 'failed', 'skipped', 'inconclusive', 'broken'];

describe('report', () => {
  it.each<[string, readonly Outcome[], number]>([
    ['all passed', ['passed', 'passed'], 0],
    ['passed and skipped', ['passed', 'skipped'], 0],
    ['one failed', ['passed', 'failed'], 1],
    ['one inconclusive', ['passed', 'inconclusive'], 1],
    ['one broken', ['failed', 'broken'], 70],
    ['only skipped', ['skipped'], 1],
    ['nothing', [], 1],
  ])('ends with the exit code for %s', (_what, outcomes, code) => {
    expect(
      exitCodeOf(
        reportOf(
          '1',
          outcomes.map((outcome) => result(outcome)),
        ),
      ),
    ).toBe(code);
  });

  it('counts every outcome', () => {
    const report = reportOf(
      '7',
      OUTCOMES.map((outcome) => result(outcome)),
    );
    expect(report.summary).toEqual({ passed: 1, failed: 1, skipped: 1, inconclusive: 1, broken: 1 });
    expect([report.version, report.seed]).toEqual([2, '7']);
  });

  it('writes JUnit with failures, errors and skips counted, and markup escaped', () => {
    const xml = renderJunit(
      reportOf(
        '1',
        OUTCOMES.map((outcome) => result(outcome)),
      ),
    );
    expect(xml).toContain('tests="5" failures="2" errors="1" skipped="1" time="7.500"');
    expect(xml).toContain('A &amp; B &lt;c&gt; &quot;d&quot;');
    expect(xml).toContain('<failure type="failed" message="because &lt;of&gt; it">');
    expect(xml).toContain('<skipped message=');
    expect(xml).toContain('<error type="broken"');
    expect(xml).not.toContain('<c>');
  });

  it('shows one row per scenario and one column per engine, and says why something did not pass', () => {
    const table = renderTable(
      reportOf('1', [result('passed'), result('failed', { engine: 'nbdssl' })]),
      false,
    );
    expect(table).toContain('scenario    nbd           nbdssl');
    expect(table).toContain('S001-first  ok            FAILED');
    expect(table).toContain('got       write 1');
    expect(table).toContain('1 passed, 1 failed; 3.0 s; seed 1');
  });

  it('rewrites one line on a terminal and writes plain lines elsewhere', () => {
    const shown = (isTerminal: boolean): string => {
      let text = '';
      const progress = createProgress({ isTerminal, columns: 80, write: (part) => (text += part) });
      progress.onResult(result('passed'), 1, 2);
      progress.end();
      return text;
    };
    expect(shown(false)).toBe('[1/2] passed       S001-first nbd (1500 ms)\n');
    expect(shown(true)).toContain('████████████░░░░░░░░░░░░ 1/2 S001-first nbd');
    expect(shown(true)).not.toContain('\n');
  });

  it('names the guest level beside the engine, and says that nothing was repeated', () => {
    const report = reportOf('1', [result('passed', { engine: 'hotadd', guest: 'qemu', runs: 1 })]);
    expect(renderTable(report, false)).toContain('hotadd, guest qemu');
    expect(renderTable(report, false)).toContain('Each played once');
    expect(renderJunit(report)).toContain('<testsuite name="hotadd, guest qemu"');
    expect(renderHtml(report)).toContain('hotadd, guest qemu');
    expect(renderHtml(report)).toContain('Played once');
    expect(renderTable(reportOf('1', [result('passed')]), false)).not.toContain('Each played once');
  });
});

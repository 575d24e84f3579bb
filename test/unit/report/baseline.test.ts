import { describe, expect, it } from 'vitest';
import { compareReports } from '../../../harness/report/baseline.ts';
import { exitCodeOf, type Report } from '../../../harness/report/report.ts';
import { reportOf, result, rule } from './report-stage.ts';

const against = (before: Report, now: Report): Report => ({
  ...now,
  comparison: compareReports(before, now),
});

describe('baseline', () => {
  it('fails on a scenario that passed before, and names it with its engine', () => {
    const report = against(reportOf([result('passed')]), reportOf([result('failed')]));
    const change = { what: 'S001-first, nbd', before: 'passed', now: 'failed' };
    expect(report.comparison).toEqual({ regressions: [change], improvements: [], added: [], missing: [] });
    expect(exitCodeOf(report)).toBe(1);
  });

  it('lets pass what failed before, lists what is better and what is new', () => {
    const second = { scenario: 'S002-second' };
    const third = { scenario: 'S003-third' };
    const report = against(
      reportOf([result('failed'), result('failed', second)]),
      reportOf([result('failed'), result('passed', second), result('failed', third)]),
    );
    expect(report.comparison?.improvements).toEqual([
      { what: 'S002-second, nbd', before: 'failed', now: 'passed' },
    ]);
    expect(report.comparison?.added).toEqual([{ what: 'S003-third, nbd', now: 'failed' }]);
    expect(exitCodeOf(report)).toBe(0);
  });

  it('fails on a rule that was kept before', () => {
    const report = against(
      reportOf([result('passed')], [rule('passed')]),
      reportOf([result('passed')], [rule('violated')]),
    );
    expect(report.comparison?.regressions).toEqual([{ what: 'LOCK-2', before: 'passed', now: 'violated' }]);
  });

  it('takes a rule that nothing exercised for worse only when every scenario of before was played', () => {
    const before = reportOf(
      [result('passed'), result('passed', { scenario: 'S002-second' })],
      [rule('passed')],
    );
    const part = against(before, reportOf([result('passed')], [rule('not-exercised')]));
    expect(part.comparison?.regressions).toEqual([]);
    expect(part.comparison?.missing.map(({ what }) => what)).toEqual(['S002-second, nbd', 'LOCK-2']);
    const whole = against(
      reportOf([result('passed')], [rule('passed')]),
      reportOf([result('passed')], [rule('not-exercised')]),
    );
    expect(whole.comparison?.regressions).toHaveLength(1);
  });

  it('says that backlot is broken whatever the baseline', () => {
    expect(exitCodeOf(against(reportOf([result('broken')]), reportOf([result('broken')])))).toBe(70);
  });
});

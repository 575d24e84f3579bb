import { describe, expect, it } from 'vitest';
import { buildReport, exitCodeOf } from '../../../harness/report/report.ts';
import { reportOf, result, rule } from './report-stage.ts';

describe('verdict', () => {
  it('passes when all passed, and says how much that was', () => {
    const { verdict } = reportOf(
      [result('passed'), result('skipped')],
      [rule('passed'), rule('not-exercised')],
    );
    expect(verdict).toEqual({
      outcome: 'pass',
      sentence: 'The engine conforms: it passed the one scenario run and kept all 1 rule that it met.',
      warnings: 0,
    });
  });

  it('fails when a must-rule is violated, though every scenario passed', () => {
    const report = reportOf([result('passed')], [rule('violated')]);
    expect(report.verdict.outcome).toBe('fail');
    expect(report.verdict.sentence).toContain('1 rule of the platform was broken');
    expect(exitCodeOf(report)).toBe(1);
  });

  it('only warns of a violated should, and lets a waived rule pass', () => {
    const report = reportOf([result('passed')], [rule('violated', { level: 'should' }), rule('waived')]);
    expect(report.verdict).toMatchObject({ outcome: 'pass', warnings: 1 });
    expect(report.verdict.sentence).toContain('with 1 warning');
    expect(exitCodeOf(report)).toBe(0);
  });

  it('is inconclusive when what must happen sometimes never happened', () => {
    const { environment } = reportOf([]);
    const sometimes = [{ id: 'lost-race', title: 'a lost race for a proxy', happened: 0 }];
    const report = buildReport({
      seed: '1',
      durationMs: 0,
      environment,
      results: [result('passed')],
      sometimes,
    });
    expect(report.verdict.outcome).toBe('inconclusive');
    expect(report.verdict.sentence).toContain('a lost race for a proxy never happened');
  });

  it('names the command that plays each result again, and none for what was not played', () => {
    const results = [result('failed', { guest: 'socket' }), result('skipped')];
    expect(reportOf(results, [], '7').results.map(({ command }) => command)).toEqual([
      'backlot run S001-first --engine nbd --seed 7 --guest socket',
      '',
    ]);
  });
});

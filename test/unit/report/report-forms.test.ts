import { describe, expect, it } from 'vitest';
import { renderBadge } from '../../../harness/report/badge.ts';
import { renderHtml } from '../../../harness/report/html.ts';
import { renderJunit } from '../../../harness/report/junit.ts';
import { diagnoseDisk } from '../../../harness/report/page/disk-diagnosis.ts';
import { readReport, ReportInvalid } from '../../../harness/report/read-report.ts';
import type { Report } from '../../../harness/report/report.ts';
import { renderSummary } from '../../../harness/report/summary.ts';
import { DISK, reportOf, result, rule } from './report-stage.ts';

const HOSTILE = '</script><script>alert("a server\'s name")</script><!--';
const hostile = reportOf(
  [result('failed', { scenario: HOSTILE, title: HOSTILE, engine: HOSTILE, reason: HOSTILE })],
  [rule('violated', { title: HOSTILE, rule: 'LOCK-2' })],
  HOSTILE,
);

const WAIVER = { rule: 'LOCK-2', reason: 'old', owner: 'Jane', expires: '2026-01-01' };
const ENGINE: NonNullable<Report['engine']> = {
  outcome: 'fail',
  name: 'theirs',
  reasons: ['it hot-adds, and does not say so'],
  capabilities: [{ capability: 'hotadd', state: 'undeclared', asked: 0, seen: 3 }],
  waivers: [{ ...WAIVER, state: 'expired', sentence: 'signed by <Jane>' }],
};

describe('page of a report', () => {
  it('lets no name from outside become markup', () => {
    const html = renderHtml(hostile);
    expect(html.split('<script').length - 1).toBe(2);
    expect(html).not.toContain('<!--');
    expect(html).toContain('&lt;/script&gt;&lt;script&gt;alert(&quot;a server&#39;s name&quot;)');
  });

  it('asks no network for anything, and has the browser see to that', () => {
    const html = renderHtml(reportOf([result('failed')], [rule('violated')]));
    expect(html).toContain(`content="default-src 'none';`);
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|src=|@import|url\(/);
  });

  it('leads from a rule to the moment in the run in which it was violated', () => {
    const html = renderHtml(
      reportOf([result('passed'), result('failed', { engine: 'nbd' })], [rule('violated')]),
    );
    expect(html).toContain('href="#run-0-n12"');
    expect(html).toContain('id="run-0"');
    expect(html).toContain('PUT &lt;backup-resources&gt;');
  });

  it('shows the first violations of a rule and folds the others away', () => {
    const [violation] = rule('violated').violations;
    if (violation === undefined) throw new Error('there is no violation');
    const many = Array.from({ length: 9 }, (_, at) => ({ ...violation, at }));
    const html = renderHtml(reportOf([result('passed')], [rule('violated', { violations: many })]));
    expect(html.slice(0, html.indexOf('and 4 more')).match(/class="jump"/g)).toHaveLength(5);
    expect(html.match(/class="jump"/g)).toHaveLength(9);
  });

  it('shows failures first', () => {
    const html = renderHtml(reportOf([result('passed'), result('skipped'), result('failed')]));
    const order = [...html.matchAll(/data-outcome="(\w+)"/g)].map(([, outcome]) => outcome);
    expect(order).toEqual(['failed', 'passed', 'skipped']);
  });

  it("tells what somebody else's engine declares from what was seen of it, and what is waived", () => {
    const html = renderHtml({ ...reportOf([result('passed')]), engine: ENGINE });
    expect(html).toContain('seen, not declared</span> <code>hotadd</code>');
    expect(html).toContain('expired</span> <a href="#rule-LOCK-2">LOCK-2</a> signed by &lt;Jane&gt;');
    expect(readReport(JSON.stringify({ ...reportOf([]), engine: ENGINE })).engine).toEqual(ENGINE);
  });

  it('stays a page when nothing was played', () => {
    expect(renderHtml(reportOf([]))).toContain('no scenario was played');
  });
});

describe('map of a disk in words', () => {
  it('tells blocks that were not asked for from blocks that were not read and from blocks that were', () => {
    expect(diagnoseDisk(DISK)).toEqual([
      '1 block read by the engine, and wrong all the same: at 128 KiB.',
      '1 block said to have changed, and not read by the engine: at 192 KiB.',
      '1 block that the engine neither asked about nor read: at 320 KiB.',
      '1 block not said to have changed, and so not read by the engine: at 256 KiB.',
    ]);
  });
});

describe('JUnit', () => {
  it('has a suite of rules: violated musts fail, what nothing exercised is skipped, a should only speaks', () => {
    const rules = [
      rule('violated'),
      rule('violated', { rule: 'LOCK-3', level: 'should' }),
      rule('not-exercised', { rule: 'LOCK-4' }),
      rule('passed', { rule: 'LOCK-5' }),
      rule('waived', { rule: 'LOCK-6' }),
    ];
    const xml = renderJunit(reportOf([result('passed')], rules));
    expect(xml).toContain('<testsuite name="rules" tests="5" failures="1" errors="0" skipped="2"');
    expect(xml).toContain('<testsuites name="backlot" tests="6" failures="1" errors="0" time=');
    expect(xml).toContain('<system-out>Warning: renews a backup resource in time: violated 1 times');
    expect(xml).toContain('<failure type="violated"');
  });

  it('says how to repeat a failure', () => {
    expect(renderJunit(reportOf([result('failed')]))).toContain(
      'backlot run S001-first --engine nbd --seed 1',
    );
  });
});

describe('summary', () => {
  it('has the verdict, the violated rules, what failed and the command', () => {
    const text = renderSummary(reportOf([result('failed')], [rule('violated')]));
    expect(text).toMatch(/^## ❌ backlot: fail\n/);
    expect(text).toContain('| LOCK-2 | must | renews a backup resource in time | 1x, S001-first |');
    expect(text).toContain('<code>backlot run S001-first --engine nbd --seed 1</code>');
  });

  it('lets no name from outside become markup, and stays short', () => {
    const text = renderSummary(hostile);
    expect(text).not.toMatch(/<script|<!--/);
    const many = renderSummary(reportOf(Array.from({ length: 200 }, () => result('failed'))));
    expect(many.split('\n').length).toBeLessThan(80);
    expect(many).toContain('and 150 more, in report.html');
  });
});

describe('badge', () => {
  it('says the verdict in words', () => {
    expect(renderBadge(reportOf([result('passed'), result('failed')]))).toContain(
      '<title>backlot: fail, 1/2 scenarios</title>',
    );
  });
});

describe('a report.json that was kept', () => {
  it('is read back as it was', () => {
    const report = reportOf([result('failed'), result('passed')], [rule('violated')]);
    expect(readReport(JSON.stringify(report))).toEqual(report);
  });

  it.each([
    ['no JSON', '<html>', 'not valid JSON'],
    ['another version', '{"version":1}', 'it is of version 1; this backlot reads 2'],
    ['not a report', '[]', 'the whole'],
    ['a part of a report', JSON.stringify({ ...reportOf([]), results: [{}] }), '/results/0'],
  ])('is refused when it is %s', (_what, text, message) => {
    expect(() => readReport(text)).toThrow(ReportInvalid);
    expect(() => readReport(text)).toThrow(message);
  });
});

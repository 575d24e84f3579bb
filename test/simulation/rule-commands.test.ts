import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'backlot-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

function backlot(...words: string[]): { code: number | null; out: string; err: string } {
  const child = spawnSync(process.execPath, ['src/cli/main.ts', ...words], { encoding: 'utf8' });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

/** Its bytes are right and its manners are not. */
const MUTANT = 'does-not-wait-for-the-snapshot';

describe('rules on the command line', () => {
  it('a run whose scenarios all pass fails when a must is violated, and says which', () => {
    const reports = join(folder, 'reports');
    const words = ['run', 'S001', '--engine', 'nbd', '--mutant', MUTANT, '--report', reports];
    const { code, out } = backlot(...words);
    expect(code).toBe(1);
    expect(out).toMatch(/1 passed/);
    expect(out).toMatch(/^VIOLATED SNAP-1: waits until .*"backlot explain SNAP-1"$/m);
    expect(out).toMatch(/^Rules kept: AUTH \d+\/\d+, CBT /m);
    const report = JSON.parse(readFileSync(join(reports, 'report.json'), 'utf8'));
    expect(report.verdict).toMatchObject({ outcome: 'fail' });
    expect(report.rules.find(({ rule }: { rule: string }) => rule === 'SNAP-1')).toMatchObject({
      outcome: 'violated',
      violations: [{ scenario: 'S001-full-backup-and-restore', engine: 'nbd' }],
    });
    expect(report.results[0]).not.toHaveProperty('verdicts');
    expect(report.results[0].timeline.rows.length).toBeGreaterThan(10);
  });

  it.each([
    { what: 'a sound engine', mutant: [], code: 0, says: /^Verdict: pass$/m },
    {
      what: 'a hasty one',
      mutant: ['--mutant', MUTANT],
      code: 1,
      says: /^VIOLATED LOCK-7: [^]*^Verdict: fail, /m,
    },
  ])('the recorded journal of $what is judged: $code', ({ mutant, code, says }) => {
    const journal = join(folder, `${code}.ndjson`);
    backlot('replay', 'S001', '--engine', 'nbd', ...mutant, '--journal', journal);
    const judged = backlot('judge', journal);
    expect([judged.code, judged.err]).toEqual([code, '']);
    expect(judged.out).toMatch(says);
    expect(judged.out).toMatch(/^Not exercised, so neither kept nor broken: .*HOTADD-1/m);
  });

  it('a journal in which the product has no part is no pass', () => {
    const journal = join(folder, '0.ndjson');
    const judged = backlot('judge', journal, '--actor', 'nobody', '--json');
    expect(judged.code).toBe(1);
    expect(JSON.parse(judged.out)).toMatchObject({ verdict: 'inconclusive', actors: ['nobody'] });
  });

  it('a rule is explained with an example of its violation; an unknown one with its neighbours', () => {
    const { code, out } = backlot('explain', 'snap-1');
    expect(code).toBe(0);
    expect(out).toMatch(/^SNAP-1: an engine waits until/);
    expect(out).toMatch(/^example: the mutant "does-not-wait-for-the-snapshot" in S001/m);
    const unknown = backlot('explain', 'SNAP-99');
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('SNAP-1, SNAP-2')]);
  });
});

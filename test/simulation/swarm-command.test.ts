import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const report = mkdtempSync(join(tmpdir(), 'backlot-swarm-'));
afterAll(() => rmSync(report, { recursive: true }));

function backlot(...words: string[]): { code: number | null; out: string; err: string } {
  const child = spawnSync(process.execPath, ['src/cli/main.ts', ...words], { encoding: 'utf8' });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

describe('backlot swarm', () => {
  it('plays seeds, and writes a failing one as a file that replay repeats', () => {
    const broken = ['--seeds', '3', '--mutant', 'resource-before-detach', '--jobs', '1', '--report', report];
    const { code, out } = backlot('swarm', ...broken, '--json');
    expect(code).toBe(1);
    expect(out).toBe(readFileSync(join(report, 'swarm.json'), 'utf8'));
    const { seeds, violations, sometimes, results } = JSON.parse(out) as {
      seeds: number;
      violations: number;
      sometimes: readonly object[];
      results: readonly { file?: string; journalHash: string }[];
    };
    expect([seeds, violations > 0, sometimes.length >= 15]).toEqual([3, true, true]);
    const failed = results.find(({ file }) => file !== undefined);
    const again = backlot('replay', join(report, 'failures', failed?.file ?? ''), '--json');
    expect(JSON.parse(again.out)).toMatchObject({
      outcome: 'failed',
      isSameJournal: true,
      journalHash: failed?.journalHash,
    });
  });

  it.each([
    [['--engine', 'nbd'], 'a busy world draws its engine'],
    [['W04', '--engine', 'nbd'], 'W04-hotadd-full is not a story of nbd'],
  ])('refuses %j, says why, and ends with 2', (words, why) => {
    const { code, err } = backlot('swarm', ...words, '--report', report);
    expect([code, err.includes(why)]).toEqual([2, true]);
  });
});

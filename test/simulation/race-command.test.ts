import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

function race(...words: string[]): { code: number | null; out: string; err: string } {
  const child = spawnSync(process.execPath, ['src/cli/main.ts', 'race', ...words], { encoding: 'utf8' });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

describe('backlot race', () => {
  it('ends in the race error for an engine without a queue, and its last line repeats it', () => {
    const { code, out } = race('one-engine', '--mutant', 'hotadd-without-queue');
    expect(code).toBe(1);
    expect(out).toMatch(/because {3}backup of vm2 fails: .*Another disk task is running on the backup proxy/);
    expect(out).toMatch(/ seconds {2}A: vm1 +B: vm2 +tasks +guests of proxies +locks\n/);
    expect(out).toMatch(/B: add proxy-1 FAILS/);
    const journal = /journal {3}(\w{64})/.exec(out)?.[1];
    const [, schedule = ''] =
      /backlot race one-engine --mutant hotadd-without-queue --seed 1 --schedule '(.+)'/.exec(out) ?? [];
    const again = race(
      'one-engine',
      '--mutant',
      'hotadd-without-queue',
      '--seed',
      '1',
      '--schedule',
      schedule,
    );
    expect(again.code).toBe(1);
    expect(again.out).toContain('FAILED backup of vm2 fails');
    expect(again.out).toContain(`journal ${journal}`);
  });

  it('says which step of a schedule an engine does not let happen', () => {
    const { code, out } = race('one-engine', '--schedule', 'A./B./A+=B+');
    expect(code).toBe(1);
    expect(out).toContain('Not feasible: B+ could not follow; played instead: A./B./A+/B+/A-/B-');
  });

  it('explores drawn schedules of any scenario with steps side by side, the same ones for the same seed', () => {
    const explored = (): unknown => JSON.parse(race('S082', '--explore', '6', '--seed', '7', '--json').out);
    const first = explored();
    expect(first).toMatchObject({
      seed: '7',
      races: [{ race: 'S082-two-engines-race-for-one-proxy', runs: 6, failures: [] }],
    });
    expect(explored()).toEqual(first);
  });

  it.each([
    [['nowhere'], 'no scenario is called nowhere'],
    [['S001'], 'has no steps side by side'],
    [['--mutant', 'nobody'], 'no mutant is called nobody'],
    [['--schedule', 'A+B+'], 'lacks one of'],
    [['--explore', '0'], 'whole number from 1'],
  ])('refuses %j', (words, message) => {
    const { code, err } = race(...words);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'backlot-sweep-'));
afterAll(() => rmSync(folder, { recursive: true }));

function backlot(...words: string[]): { code: number | null; out: string; err: string } {
  const child = spawnSync(process.execPath, ['src/cli/main.ts', ...words], { encoding: 'utf8' });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

function linesOf(out: string): unknown[] {
  return out
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

/** The order of devices concerns tasks of two disks, and there is none. */
const ONE_DISK_OF_A_WORLD_WITH_MORE = `
id: W97-one-disk
title: A server with one disk is backed up, beside one with two
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world:
  proxies: [{ name: proxy-1 }]
  servers:
    - { name: vm1, disks: [{ slot: ide0, size: 64KiB }] }
    - { name: vm2, disks: [{ slot: ide0, size: 64KiB }, { slot: ide1, size: 64KiB }] }
steps: [{ backup: {} }, { stop: { server: vm2 } }, { deleteServer: { server: vm2 } }]
`;

describe('backlot sweep', () => {
  it('prints points, runs and violations of each scenario and of all, and ends with 0 when all survived', () => {
    const report = join(folder, 'good');
    const { code, out, err } = backlot(
      'sweep',
      'W01',
      '--faults',
      'task-phantom',
      '--jobs',
      '2',
      '--report',
      report,
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(
      /^W01-full nbd +\d+ points, \d+ runs \(\d+ look-alikes left out\), 0 violations in [\d.]+ s$/m,
    );
    expect(out).toMatch(/^total +\d+ points, \d+ runs \(\d+ look-alikes left out\), 0 violations$/m);
    expect(out).not.toContain('a letter for once');
  });

  it('ends its JSON with a line of points, runs and violations', () => {
    const report = join(folder, 'json');
    const { code, out } = backlot(
      'sweep',
      'W01',
      '--faults',
      'one-byte-at-a-time',
      '--jobs',
      '1',
      '--matrix',
      '--json',
      '--report',
      report,
    );
    const lines = linesOf(out);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({ scenario: 'W01-full', engine: 'nbd', violations: 0 });
    expect(lines[1]).toMatchObject({ points: expect.any(Number), runs: expect.any(Number), violations: 0 });
    expect(code).toBe(0);
    const saved = JSON.parse(readFileSync(join(report, 'sweep.json'), 'utf8'));
    expect(saved.results[0].cells[0]).toMatchObject({ outcome: 'survived' });
  });

  it('finds a broken engine out, ends with 1, and leaves files that repeat the failures', () => {
    const report = join(folder, 'bad');
    const words = ['--faults', 'drop-after-bytes', '--mutant', 'retry-skips-the-range', '--report', report];
    const { code, out } = backlot('sweep', 'W01', ...words);
    expect(code).toBe(1);
    expect(out).toContain('violation nbd.reply:READ#1/drop-after-bytes/once');
    const failures = join(report, 'failures');
    const file = readdirSync(failures).find((name) => name.includes('READ_1_drop-after-bytes_once'));
    expect(file).toBeDefined();
    expect(out).toContain(`\n    backlot replay ${failures}/${file}\n`);
    expect(out).toMatch(/^READ#1\.\.3 +[\d.]+ VV$/m);
    const page = readFileSync(join(report, 'sweep.html'), 'utf8');
    expect(page).toContain(`backlot replay ${failures}/${file}`);
    expect(page).toContain('drop-after-bytes');
    // Without the mutant the same file is survived.
    const again = backlot('run', join(report, 'failures', file ?? ''), '--engine', 'nbd', '--report', report);
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('1 passed')]);
  });

  it('ends with 1 where an attack struck nothing, since that has shown nothing', () => {
    const file = join(folder, 'one-disk.yaml');
    writeFileSync(file, ONE_DISK_OF_A_WORLD_WITH_MORE);
    const report = join(folder, 'missed');
    const words = ['--faults', 'device-order', '--engine', 'hotadd', '--report', report];
    const { code, out } = backlot('sweep', file, ...words);
    expect(out).toContain('2 runs, 0 violations, 2 missed');
    expect(out).toMatch(
      /missed guest.device:appears#1\/device-order\/once\n +fault attack \(device-order\) never/,
    );
    expect(code).toBe(1);
  });

  it('goes on where it was cut short, and begins anew where the plan is another', () => {
    const report = join(folder, 'resumed');
    const words = ['sweep', 'W01', '--faults', 'garbage-reply', '--jobs', '1', '--report', report];
    const whole = backlot(...words, '--matrix').out;
    expect(whole).toMatch(/^rest.reply +seconds a$/m);
    const file = join(report, 'W01-full.nbd.cells.ndjson');
    const lines = readFileSync(file, 'utf8').split('\n');
    // Cut in the middle of a line, as a process that dies does.
    writeFileSync(file, `${lines.slice(0, 6).join('\n')}\n${lines[6]?.slice(0, 40)}`);
    const resumed = backlot(...words, '--resume').out;
    expect(resumed.split(' violations')[0]).toBe(whole.split(' violations')[0]);
    expect(readFileSync(file, 'utf8').split('\n').slice(0, 6)).toEqual(lines.slice(0, 6));
    backlot(...words, '--resume', '--seed', '2');
    expect(readFileSync(file, 'utf8').split('\n')[1]).not.toBe(lines[1]);
  });

  it.each([
    [['sweep', 'W01', '--faults', 'bad-luck'], 'no kind of attack is called bad-luck'],
    [['sweep', 'W01', '--mutant', 'nobody'], 'no mutant is called nobody'],
    [['sweep', 'W77'], 'no scenario is called W77'],
    [['sweep', 'W01', '--engine', 'hotadd'], 'no scenario of these is meant for hotadd'],
    [['sweep', 'W01', '--jobs', '0'], 'a whole number from 1'],
  ])('refuses %j with 2', (words, message) => {
    const { code, err } = backlot(...words, '--report', join(folder, 'never'));
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

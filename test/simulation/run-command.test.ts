import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'backlot-run-'));
afterAll(() => rmSync(folder, { recursive: true }));

function backlot(...words: string[]): { code: number | null; out: string; err: string } {
  return backlotIn(process.env, ...words);
}

function backlotIn(
  env: NodeJS.ProcessEnv,
  ...words: string[]
): { code: number | null; out: string; err: string } {
  const child = spawnSync(process.execPath, ['src/cli/main.ts', ...words], { encoding: 'utf8', env });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

const example = (kind: string): string => `id: S900-example
title: A story for the test of the command
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world:
  servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB, content: { allocated: 1 } }] }]
steps: [{ backup: { expect: { kind: ${kind} } } }]
`;

function scenarioFile(kind: string): string {
  const file = join(folder, `${kind}.yaml`);
  writeFileSync(file, example(kind));
  return file;
}

describe('backlot run', () => {
  it('writes the three reports, shows progress and a table, and ends with 0 when all passed', () => {
    const reports = join(folder, 'reports');
    const { code, out, err } = backlot('run', scenarioFile('full'), '--report', reports);
    expect([code, err]).toEqual([0, expect.stringContaining('[3/3] passed       S900-example hotadd')]);
    expect(out).toContain('S900-example  ok            ok            ok');
    const report = JSON.parse(readFileSync(join(reports, 'report.json'), 'utf8'));
    expect(report).toMatchObject({ version: 2, seed: '1', summary: { passed: 3 } });
    expect(report.results[0]).toMatchObject({ scenario: 'S900-example', engine: 'nbd', outcome: 'passed' });
    // Rules are tests there too.
    expect(readFileSync(join(reports, 'junit.xml'), 'utf8')).toMatch(/<testsuites [^>]*failures="0"/);
    expect(readFileSync(join(reports, 'report.html'), 'utf8')).toContain('it passed all 3 scenario runs');
  });

  it('ends with 1 when there are findings, and says them in JSON', () => {
    const file = scenarioFile('incremental');
    const { code, out } = backlot('run', file, '--engine', 'nbd', '--json', '--report', folder);
    expect(code).toBe(1);
    expect(JSON.parse(out).results[0].findings[0]).toMatchObject({
      where: 'steps.0 backup',
      expected: 'a point of kind incremental',
    });
  });

  it('gives the same journals for the same seed, also when several threads play', () => {
    const chosen = ['S001', 'S003', 'S006', 'S008', 'S012'];
    const hashes = (...words: string[]): string[] =>
      JSON.parse(backlot('run', ...chosen, '--json', '--report', folder, ...words).out).results.map(
        ({ journalHash }: { journalHash: string }) => journalHash,
      );
    const alone = hashes('--jobs', '1', '--seed', '7');
    expect(alone).toHaveLength(15);
    expect(hashes('--jobs', '2', '--seed', '7')).toEqual(alone);
    expect(hashes('--jobs', '2', '--seed', '8')).not.toEqual(alone);
  });

  it.each([
    ['an unknown scenario', ['run', 'S999']],
    ['a missing file', ['run', 'nowhere.yaml']],
    ['an unknown engine', ['run', '--engine', 'carrier-pigeon']],
    ['a guest level that there is not', ['run', '--guest', 'hologram']],
    ['guests of an engine that has none', ['run', '--engine', 'nbd', '--guest', 'socket']],
    ['a proxy image without a machine for it', ['run', '--guest', 'socket', '--proxy-image', 'x.img']],
    ['a nonsensical number of threads', ['run', '--jobs', '0']],
    ['an unknown list', ['list', 'lists']],
  ])('ends with 2 for %s', (_what, words) => {
    const { code, out, err } = backlot(...words);
    expect([code, out]).toEqual([2, '']);
    expect(err).not.toBe('');
    expect(err).not.toMatch(/\n\s+at /);
  });

  it('tells the place of a mistake in a scenario file', () => {
    const file = join(folder, 'bad.yaml');
    writeFileSync(file, example('full').replace('steps:', 'stepz:'));
    const { code, err } = backlot('run', file);
    expect(code).toBe(2);
    expect(err).toContain(`${file}:7:1 stepz: is not a word of this place`);
  });

  it('ends with 3 when the reports can not be written', () => {
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '');
    const { code, err } = backlot('run', scenarioFile('full'), '--report', join(blocked, 'reports'));
    expect([code, err]).toEqual([3, expect.stringContaining('report.json cannot be written')]);
  });
});

describe('backlot run --guest', () => {
  it('plays stories of hotadd once through sockets outside of the process, and says so', () => {
    const reports = join(folder, 'outside');
    const { code, out, err } = backlot('run', scenarioFile('full'), '--guest', 'socket', '--report', reports);
    expect([code, err]).toEqual([
      0,
      expect.stringContaining('passed       S900-example hotadd, guest socket'),
    ]);
    expect(out).toContain('Each played once');
    const [result] = JSON.parse(readFileSync(join(reports, 'report.json'), 'utf8')).results;
    expect(result).toMatchObject({ engine: 'hotadd', guest: 'socket', runs: 1, outcome: 'passed' });
  });

  it('ends with 3 and says what to install where a level cannot be had', () => {
    const { code, out, err } = backlotIn(
      { ...process.env, PATH: '' },
      'run',
      scenarioFile('full'),
      '--guest',
      'fuse',
    );
    expect([code, out]).toEqual([3, '']);
    expect(err).toContain('nbdfuse is not installed');
    expect(err).toContain('apt-get install');
  });
});

describe('backlot list', () => {
  it.each(['scenarios', 'mutants', 'faults', 'endpoints'])('shows %s, also as JSON', (what) => {
    const items = JSON.parse(backlot('list', what, '--json').out)[what];
    expect(items.length).toBeGreaterThan(10);
    expect(backlot('list', what).out).toContain(items[0].id);
  });
});

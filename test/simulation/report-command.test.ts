import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'backlot-reports-'));
const inFolder = (...names: readonly string[]): string => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true }));

function backlot(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const env = { ...process.env, GITHUB_STEP_SUMMARY: inFolder('summary.md') };
  const child = spawnSync(process.execPath, ['src/cli/main.ts', ...words], { encoding: 'utf8', env });
  return { code: child.status, out: child.stdout, err: child.stderr };
}

const read = (...names: readonly string[]): string => readFileSync(inFolder(...names), 'utf8');

/** The published schema lets readers pass over new fields; here none may be unknown to it. */
function closed(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed);
  const parts = Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, closed(part)]));
  return 'properties' in parts ? { ...parts, additionalProperties: false } : parts;
}

const BROKEN = ['S006', '--engine', 'nbd', '--mutant', 'first-page-only'];

describe('reports of a run', () => {
  let failing: ReturnType<typeof backlot>;
  beforeAll(() => {
    failing = backlot(
      'run',
      ...BROKEN,
      '--report',
      inFolder('bad'),
      '--summary',
      '--badge',
      inFolder('badge.svg'),
    );
    backlot('run', 'S006', '--engine', 'nbd', '--report', inFolder('good'));
  });

  it('say in every form that it failed, and how to repeat it', () => {
    expect(failing.code).toBe(1);
    expect(read('summary.md')).toContain('## ❌ backlot: fail');
    expect(read('badge.svg')).toContain('backlot: fail');
    const command = 'backlot run S006-paging-at-the-edges --engine nbd --seed 1 --mutant first-page-only';
    expect(JSON.parse(read('bad', 'report.json')).results[0].command).toBe(command);
    for (const form of ['junit.xml', 'report.html']) expect(read('bad', form)).toContain(command);
  });

  it('match the published schema to the last field', () => {
    const schema = closed(JSON.parse(backlot('list', 'schema', 'report').out)) as object;
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema);
    for (const run of ['bad', 'good']) {
      validate(JSON.parse(read(run, 'report.json')));
      expect(validate.errors).toBe(null);
    }
  });

  it('are the same for the same seed but for the real time', () => {
    backlot('run', ...BROKEN, '--report', inFolder('again'));
    const timeless = (run: string): string => read(run, 'report.json').replaceAll(/"durationMs": \d+/g, '');
    expect(timeless('again')).toBe(timeless('bad'));
  });

  it('held against a baseline fail only on what has become worse, and list what is better', () => {
    const report = inFolder('bad', 'report.json');
    const good = inFolder('good', 'report.json');
    const worse = backlot('report', report, '--baseline', good);
    expect(worse.code).toBe(1);
    expect(worse.out).toContain('WORSE  S006-paging-at-the-edges, nbd: passed -> failed');
    expect(worse.out).toContain('WORSE  CBT-9: passed -> violated');
    const same = backlot('report', report, '--baseline', report);
    expect([same.code, same.out]).toEqual([0, expect.stringContaining('As in the baseline')]);
    const better = backlot(
      'run',
      'S006',
      '--engine',
      'nbd',
      '--report',
      inFolder('new'),
      '--baseline',
      report,
    );
    expect(better.code).toBe(0);
    expect(better.out).toContain('better S006-paging-at-the-edges, nbd: failed -> passed');
    expect(read('new', 'report.html')).toContain('Since the baseline');
  });

  it('are made again from report.json, the same to the byte', () => {
    const forms = [
      '--html',
      inFolder('later.html'),
      '--junit',
      inFolder('later.xml'),
      '--badge',
      inFolder('later.svg'),
    ];
    expect(backlot('report', inFolder('bad', 'report.json'), ...forms).code).toBe(1);
    expect(read('later.html')).toBe(read('bad', 'report.html'));
    expect(read('later.xml')).toBe(read('bad', 'junit.xml'));
    expect(read('later.svg')).toBe(read('badge.svg'));
  });

  it('name a baseline that is none before anything is played', () => {
    writeFileSync(inFolder('broken.json'), '{"version": 2}');
    const { code, err } = backlot('run', 'S006', '--baseline', inFolder('broken.json'));
    expect(code).toBe(2);
    expect(err).toMatch(/^backlot: the baseline .*broken\.json is no report: the whole must have required/);
    const missing = backlot('run', 'S006', '--baseline', inFolder('nowhere.json'));
    expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('cannot be read')]);
  });
});

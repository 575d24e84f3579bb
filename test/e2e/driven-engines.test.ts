/** Engines of others against the harness, over real sockets: one that is right, and some that are not. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../harness/report/report.ts';
import { backlot } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-driven-'));
afterAll(() => rmSync(folder, { recursive: true }));

const REFERENCE = resolve('examples/engines/reference/engine.mjs');

function declare(...capabilities: string[]): string {
  const file = join(folder, `${capabilities.join('-')}.yaml`);
  writeFileSync(
    file,
    `name: mine\nversion: 1.0\ncapabilities: [${capabilities.join(', ')}]\n`.replace('1.0', '"1.0"'),
  );
  return file;
}

const PLAIN = declare('nbd', 'access-key', 'restore-new', 'incremental');

async function run(
  engine: string,
  ...more: string[]
): Promise<{ code: number | null; report: Report; text: string }> {
  const report = join(folder, 'reports');
  const done = await backlot([
    'run',
    ...more,
    '--engine',
    engine,
    '--capabilities',
    PLAIN,
    '--report',
    report,
    '--jobs',
    '1',
  ]);
  if (done.code !== 0 && done.code !== 1) throw new Error(done.stderr);
  return {
    code: done.code,
    report: JSON.parse(readFileSync(join(report, 'report.json'), 'utf8')) as Report,
    text: done.stdout,
  };
}

/** The smallest story: its points are proven all the same. */
const SCENARIO = join(folder, 'S999-one-backup.yaml');
writeFileSync(
  SCENARIO,
  `id: S999-one-backup
title: One backup, and nothing else
rule: A backup holds what the guest had.
why: All else stands on it.
world: { servers: [{ name: vm1, disks: [{ slot: ide0, size: 256KiB, content: { allocated: 0.5 } }] }] }
steps:
  - backup: {}
`,
);

/** Works by way of backlot's command line over nbdssl. Untidy: restores twice. Else it forgets its points. */
function spoiled(name: string, isUntidy: boolean): string {
  const file = join(folder, `${name}.mjs`);
  const body = `#!/usr/bin/env node
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
const { operation, platform, repository, server, restore, timeScale } = JSON.parse(readFileSync(0, 'utf8'));
const { accessKey, secretKey } = platform.credentials;
const env = { ...process.env, BACKLOT_ACCESS_KEY: accessKey, BACKLOT_SECRET_KEY: secretKey };
const common = ['--scp', platform.scpUrl, '--ca', platform.caFile, '--nbd-port', platform.nbdPort, '--repo', repository,
  '--transport', 'nbdssl', '--time-scale', timeScale, '--json'];
const backlot = (...words) => JSON.parse(execFileSync(process.execPath,
  ['${resolve('src/cli/main.ts')}', ...words, ...common].map(String), { env, stdio: ['ignore', 'pipe', 'ignore'] }));
const say = (line) => console.log(JSON.stringify({ type: 'result', ...line }));
if (operation === 'backup') {
  const { pointId } = backlot('backup', '--vm', server.id);
  say({ result: 'ok', point: ${isUntidy ? 'pointId' : "'p1'"} });
} else if (${isUntidy}) {
  const { point, to } = restore;
  backlot('restore', '--point', point, '--to', 'new', '--name', 'junk');
  say({ result: 'ok', server: backlot('restore', '--point', point, '--to', 'new', '--name', to.newName).server.id });
} else {
  say({ result: 'failed', error: 'what point?' });
  process.exitCode = 1;
}
`;
  writeFileSync(file, body, { mode: 0o755 });
  return `exec:${file}`;
}

describe('backlot run with an engine of somebody else', () => {
  it('has the reference engine pass through its command line, and says what is missing', async () => {
    const { code, report, text } = await run(`exec:${REFERENCE}`, 'S001');
    expect(report.results.map(({ outcome, reason }) => `${outcome} ${reason}`)).toEqual(['passed ']);
    expect(report.results[0]?.comparedBytes).toBeGreaterThan(3_000_000);
    expect(report.engine).toMatchObject({ name: 'mine', version: '1.0', outcome: 'incomplete' });
    const states = report.engine?.capabilities.map(({ capability, state }) => `${capability} ${state}`);
    expect(states).toContain('nbd shown');
    expect(states).toContain('restore-new shown');
    expect(states).toContain('incremental not-asked');
    expect(report.rules.filter(({ outcome }) => outcome === 'violated')).toEqual([]);
    expect(text).toContain('Verdict on mine 1.0: incomplete');
    expect(code).toBe(1);
  });

  it('finds an engine that tells of backups which it did not make', async () => {
    const liar = join(folder, 'liar');
    writeFileSync(liar, `#!/bin/sh\necho '{"type":"result","result":"ok","point":"p1"}'\n`, { mode: 0o755 });
    const { code, report } = await run(`exec:${liar}`, SCENARIO);
    expect(report.results[0]?.reason).toBe(
      'steps.0 backup: expected a backup that takes a snapshot; got point p1 is told of, and no snapshot of vm1 was taken',
    );
    expect(report.engine?.outcome).toBe('fail');
    expect(code).toBe(1);
  });

  it('finds an engine that reads over another data path than it declares, and leaves servers behind', async () => {
    const { report } = await run(spoiled('untidy', true), SCENARIO);
    expect(report.engine?.reasons.join('\n')).toContain('does not declare nbdssl, and was seen');
    expect(report.results[0]?.findings.map(({ where, actual }) => `${where}: ${actual}`)).toEqual([
      expect.stringMatching(/^leak oracle: server junk was left/),
    ]);
  });

  it('finds an engine whose points can not be restored', async () => {
    const { report } = await run(spoiled('forgetful', false), SCENARIO);
    expect(report.results[0]?.findings[0]).toMatchObject({
      where: 'byte oracle',
      expected: 'point p1 can be restored to a new server',
      actual: expect.stringContaining('what point?') as string,
    });
  });

  it('refuses a file, a declaration and waivers that are not right, before anything is played', async () => {
    const wrong = declare('nbd', 'acess-key');
    const of = async (...words: string[]): Promise<string> => {
      const { code, stderr } = await backlot(['run', 'S001', ...words]);
      return `${code} ${stderr}`;
    };
    expect(await of('--engine', 'exec:./none')).toContain(
      '2 backlot: --engine exec:./none: there is no such file',
    );
    expect(await of('--engine', `exec:${REFERENCE}`, '--capabilities', wrong)).toMatch(
      /^2 [\s\S]*nbd-acess-key\.yaml:3:\d+ capabilities\.1: must be one of/,
    );
    const waivers = join(folder, 'waivers.yaml');
    writeFileSync(
      waivers,
      'waivers:\n  - { rule: LOCK-99, reason: because we can, owner: me, expires: "2030-01-01" }\n',
    );
    expect(await of('--engine', `exec:${REFERENCE}`, '--waivers', waivers)).toMatch(
      /^2 [\s\S]*waivers\.yaml:2:7 waivers\.0\.rule: there is no rule LOCK-99/,
    );
    expect(await of('--time', 'x60')).toContain("--time is for somebody else's engine");
  });
});

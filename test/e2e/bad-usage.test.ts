/** The command line used wrongly: the exit code says whose turn it is, the text says what to do, and nobody sees a stack. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { BadInputStage } from './bad-input-stage.ts';
import { backlot } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-bad-usage-'));
let stage: BadInputStage;

beforeAll(async () => {
  stage = await BadInputStage.open(folder);
});
afterAll(async () => {
  expect(await stage.serve.stop()).toBe(0);
  rmSync(folder, { recursive: true });
});

async function expectComplaint(args: readonly string[], code: number, ...texts: string[]): Promise<void> {
  const done = await backlot(args, stage.serve.credentials);
  for (const text of texts) expect(done.stderr).toContain(text);
  expect(done.stderr).not.toMatch(/^ {4}at /m);
  expect(done.code).toBe(code);
}

function write(name: string, content: string): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

const INVENTORIES: readonly (readonly [string, string, string])[] = [
  ['no YAML', 'servers: [\n  {', ':2:'],
  ['no mapping', '- web\n', ':1:1: ["web"] does not fit; allowed: a mapping'],
  ['no servers', 'pools: []\n', ':1:1: "servers" is missing'],
  ['an unknown field', 'servers:\n  - name: web\n    discs: [1GiB]\n', ':3:5: servers[0].discs'],
  [
    'a slot that is none',
    'servers:\n  - name: web\n    disks: [{ deviceId: sda, size: 1GiB }]\n',
    ':3:15: servers[0].disks[0].deviceId',
  ],
  ['a size that is none', 'servers:\n  - name: web\n    disks: [10GB]\n', ':3:13: servers[0].disks[0]'],
  [
    'an unknown host',
    'servers:\n  - name: web\n    hostId: h9\n    disks: [1GiB]\n',
    ':3:5: servers[0].hostId',
  ],
];

const GOOD_SCENARIO =
  'id: S900-x\ntitle: A title of ten\nrule: A rule of ten letters\nwhy: A reason of ten letters\nworld: { servers: [{ name: vm1, disks: [{ slot: ide0, size: 1MiB }] }] }\n';
const SCENARIOS: readonly (readonly [string, string, string])[] = [
  ['no YAML', 'id: [', ':1:'],
  [
    'an unknown step',
    `${GOOD_SCENARIO}steps:\n  - explode: {}\nexpect: { points: 0 }\n`,
    ':7:5 steps.0.explode: is not a word',
  ],
  [
    'an unknown disk',
    `${GOOD_SCENARIO}steps:\n  - write: { disk: ide7, at: 0, length: 1KiB }\nexpect: { points: 0 }\n`,
    ':7:',
  ],
  ['no steps', GOOD_SCENARIO, 'steps'],
];

describe('a file that is not right is wrong usage: file, line, column and field', () => {
  it.each(INVENTORIES)('inventory: %s', async (_what, content, place) => {
    const file = write('bad-inventory.yaml', content);
    await expectComplaint(['serve', '--json', '--inventory', file], 2, `${file}${place}`);
  });

  it.each(SCENARIOS)('scenario: %s', async (_what, content, place) => {
    const file = write('bad-scenario.yaml', content);
    await expectComplaint(['run', file], 2, file, place);
  });
});

describe('wrong options are wrong usage', () => {
  it.each([
    [['serve', '--nonsense'], "unknown option '--nonsense'", 'backlot serve --help'],
    [['serve', '--clock', 'x0'], 'x and a number such as x60', 'backlot serve --help'],
    [['serve', '--disk', 'web'], 'VM:slot=FILE', 'web-01:ide0=disk.img'],
    [['serve', '--disk', 'sql-prod-01:ide0=/none'], '/none', 'ENOENT'],
    [['run', 'nothing'], 'no scenario is called nothing', 'backlot list scenarios'],
    [['run', '--jobs', '0'], '--jobs', 'backlot run --help'],
    [['list', 'nothing'], 'there is no list of nothing', 'schema'],
    [['bench', 'nothing'], 'error: there is no bench area "nothing"', 'backlot bench --help'],
    [['bench', '--rounds', 'x'], 'error: --rounds', 'backlot bench --help'],
    [['mutants', 'x'], 'too many arguments', 'backlot mutants --help'],
    [['prune', '--repo', folder, '--keep-last', '0'], 'from 1', 'backlot prune --help'],
    [['points', '--repo', '/none'], '/none is no folder', 'backlot backup'],
    [['verify', '--repo', folder, '--point', 'x'], 'there is no restore point x', 'backlot points'],
    [['export', '--repo', folder, '--point', '../x', '--disk', 'ide0', 'o'], '--point', 'backlot points'],
  ])('%j', async (args, ...texts) => {
    await expectComplaint(args, 2, ...texts);
  });
});

describe('a backup that cannot begin', () => {
  afterEach(() => stage.probe());

  const backup = (...more: string[]): string[] => [
    'backup',
    ...stage.serve.scpArguments,
    '--vm',
    'web',
    '--repo',
    join(folder, 'repo'),
    ...more,
  ];

  it('for want of credentials is wrong usage', async () => {
    const done = await backlot(backup(), { BACKLOT_ACCESS_KEY: '' });
    expect(done.stderr).toContain('set BACKLOT_ACCESS_KEY and BACKLOT_SECRET_KEY');
    expect(done.code).toBe(2);
  });

  it('with a secret that is wrong names the credentials and not the secret', async () => {
    const file = write(
      'wrong.json',
      JSON.stringify({ accessKey: stage.serve.ready.accessKey, secretKey: 'hush' }),
    );
    const done = await backlot(backup('--credentials', file));
    expect(done.stderr).toContain('check the credentials');
    expect(done.stderr).not.toContain('hush');
    expect(done.code).toBe(3);
  });

  it.each([
    [['--lock-time', '59'], 'from 60 to 7200'],
    [['--connections', '17'], 'from 1 to 16'],
    [['--nbd-port', '65536'], 'from 1 to 65535'],
    [['--scp', 'nonsense'], 'https://HOST'],
    [['--ca', '/etc/hosts'], 'is no certificate in PEM format'],
    [['--insecure'], 'contradict each other'],
    [['--transport', 'smoke'], 'nbd, nbdssl'],
  ])('for %j is wrong usage', async (more, text) => {
    await expectComplaint(backup(...more), 2, text);
  });

  it('at an SCP that nobody reaches is the environment', async () => {
    await expectComplaint(backup('--scp', 'https://127.0.0.1:1'), 3, 'ECONNREFUSED', 'check --scp');
  });

  it('at an SCP that is not trusted is the environment', async () => {
    const args = ['backup', '--scp', stage.serve.ready.scp, '--vm', 'web', '--repo', join(folder, 'repo')];
    await expectComplaint(args, 3, 'certificate', '--ca FILE');
  });

  it('of a server that is not there', async () => {
    await expectComplaint(backup('--vm', 'nobody'), 1, 'nobody');
  });

  it('into a folder that cannot be made is the environment', async () => {
    await expectComplaint(
      backup('--repo', '/dev/null/repo'),
      3,
      '/dev/null/repo cannot be the repository: ENOTDIR',
    );
  });

  it('into a folder that is a file is the environment', async () => {
    const repo = write('file', '');
    await expectComplaint(backup('--repo', repo), 3, `${repo} cannot be the repository`);
  });
});

describe('a run', () => {
  it('leaves no stack behind when the disk under its reports is full', async () => {
    const args = ['run', 'S001', '--engine', 'nbd', '--jobs', '1', '--report', join(folder, 'reports')];
    mkdirSync(join(folder, 'reports'));
    symlinkSync('/dev/full', join(folder, 'reports', 'report.json'));
    await expectComplaint(args, 3, 'report.json cannot be written: ENOSPC', 'Choose another place');
  });
});

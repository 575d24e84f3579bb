import { expect, it } from 'vitest';
import { findCredentials } from '../../../src/cli/backup/credentials.ts';
import { explainFailure } from '../../../src/cli/backup/exit-code.ts';
import { createProgressReporter } from '../../../src/cli/backup/progress-bar.ts';
import { formatBytes, formatDuration } from '../../../src/cli/backup/sizes.ts';
import { formatTable } from '../../../src/cli/backup/text-table.ts';
import { CliError } from '../../../src/cli/cli-error.ts';
import { JobAborted, JobFailed, Refusal } from '../../../src/engine/job-failed.ts';
import { TransportError } from '../../../src/sdk/http-transport.ts';
import { ScpError } from '../../../src/sdk/scp-error.ts';

const refused = (status: number) => new ScpError('op', { status, code: String(status), message: 'no' });

it.each([
  [new JobFailed('eligibility', new Refusal('is a proxy', 'leave it out')), 1, 'leave it out'],
  [new JobFailed('login', new TransportError('refused')), 3, '--scp'],
  [new JobFailed('login', refused(401)), 3, 'credentials'],
  [new JobFailed('cbt', refused(403)), 3, 'Agentless Backup Template'],
  [new JobFailed('transfer', new JobAborted('aborted')), 1, 'released'],
  [new CliError('usage', 'wrong'), 2, ''],
  [new TypeError('x is not a function'), 70, 'bug'],
])('%s ends with %i and says what to do', (error, exitCode, hint) => {
  expect(explainFailure(error)).toMatchObject({ exitCode, hint: expect.stringContaining(hint) });
});

it('takes access keys before a password, and says how when there is neither', async () => {
  const both = {
    BACKLOT_ACCESS_KEY: 'a',
    BACKLOT_SECRET_KEY: 's',
    BACKLOT_USERNAME: 'u',
    BACKLOT_PASSWORD: 'p',
  };
  expect(await findCredentials(undefined, both)).toMatchObject({ kind: 'ec2' });
  expect(await findCredentials(undefined, { ...both, BACKLOT_SECRET_KEY: '' })).toMatchObject({
    kind: 'password',
  });
  await expect(findCredentials(undefined, {})).rejects.toMatchObject({ exitCode: 2 });
  await expect(findCredentials('/nowhere.json', both)).rejects.toMatchObject({ exitCode: 3 });
});

it('shows lines by tenths where there is no terminal', () => {
  let out = '';
  const reporter = createProgressReporter({ write: (text) => (out += text) }, () => 0);
  reporter.show({ step: 'snapshot' });
  for (let doneBytes = 0; doneBytes <= 1000; doneBytes += 10)
    reporter.show({ step: 'transfer', doneBytes, totalBytes: 1000 });
  expect(out.split('\n')).toHaveLength(13);
  expect(out).toContain('transfer 50 % of 1000 B');
});

it('draws one moving line on a terminal, not more often than ten times a second, and the last one always', () => {
  let out = '';
  let nowMs = 0;
  const reporter = createProgressReporter({ isTTY: true, write: (text) => (out += text) }, () => nowMs);
  for (let doneBytes = 10; doneBytes <= 1000; doneBytes += 10) {
    nowMs += 10;
    reporter.show({ step: 'transfer', doneBytes, totalBytes: 1000 });
  }
  reporter.end();
  expect(out.split('\r').length).toBeLessThan(14);
  expect(out).toMatch(/100 % 1000 B of 1000 B .*\n$/);
});

it('writes numbers for people', () => {
  expect([0, 1023, 1024, 1.5 * 2 ** 30, 64 * 2 ** 40].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 GiB',
    '64.0 TiB',
  ]);
  expect([500, 61_000, 7_260_000].map(formatDuration)).toEqual(['0.5 s', '1 min 1 s', '2 h 1 min']);
  expect(formatTable(['a', 'size'], [['x', '5 B']])).toBe('a  size\n-  ----\nx   5 B\n');
});

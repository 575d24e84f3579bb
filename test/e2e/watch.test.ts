/** A product that is worked by hand, here by backlot's own command line, and watched over real sockets. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../harness/report/report.ts';
import { backlot } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly type: 'ready' | 'line' | 'finding' | 'verdict';
  readonly line?: string;
  readonly outcome?: string;
  readonly scpUrl?: string;
  readonly caFile?: string;
  readonly nbdPort?: number;
  readonly accessKey?: string;
  readonly secretKey?: string;
}

const FREE = ['--port', '0', '--hci-port', '0', '--nbd-port', '0'];

function startWatch(...words: string[]) {
  const report = join(folder, 'reports');
  const args = [
    'src/cli/main.ts',
    'watch',
    '--json',
    '--clock',
    'x20',
    ...FREE,
    '--report',
    report,
    ...words,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Line[] = [];
  const ready = Promise.withResolvers<Line>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    if (line.type === 'ready') ready.resolve(line);
  });
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  const readReport = (): Report => JSON.parse(readFileSync(join(report, 'report.json'), 'utf8')) as Report;
  return { ready: ready.promise, lines, code, readReport, stop: () => child.kill('SIGINT') };
}

describe('backlot watch', () => {
  it('sees a full and an incremental backup and a restore, and gives the verdict by itself', async () => {
    const watch = startWatch();
    const { scpUrl = '', caFile = '', nbdPort, accessKey = '', secretKey = '' } = await watch.ready;
    const secrets = { BACKLOT_ACCESS_KEY: accessKey, BACKLOT_SECRET_KEY: secretKey };
    const common = [
      '--scp',
      scpUrl,
      '--ca',
      caFile,
      '--nbd-port',
      String(nbdPort),
      '--time-scale',
      '20',
      '--json',
    ];
    const work = async (...words: string[]): Promise<{ pointId: string }> => {
      const done = await backlot([...words, ...common, '--repo', join(folder, 'repo')], secrets);
      if (done.code !== 0) throw new Error(done.stderr);
      return JSON.parse(done.stdout.trimEnd().split('\n').at(-1) ?? '') as { pointId: string };
    };
    await work('backup', '--vm', 'erp-01', '--transport', 'nbdssl');
    const { pointId } = await work('backup', '--vm', 'erp-01', '--transport', 'nbd');
    await work('restore', '--point', pointId, '--to', 'new', '--name', 'copy', '--transport', 'nbd');
    expect(await watch.code).toBe(0);
    const told = watch.lines.flatMap(({ line }) => line?.trim() ?? []);
    expect(told).toContain('incremental backup of erp-01 over nbd');
    expect(told).toContain('copy holds what erp-01 held: 10485760 bytes equal');
    expect(watch.lines.at(-1)).toMatchObject({ type: 'verdict', outcome: 'pass' });
    const { results, rules } = watch.readReport();
    expect(results[0]?.comparedBytes).toBe(10_485_760);
    expect(rules.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(20);
  });

  it('says what is missing when it is stopped before', async () => {
    const watch = startWatch();
    await watch.ready;
    watch.stop();
    expect(await watch.code).toBe(1);
    expect(watch.lines.at(-1)).toMatchObject({ type: 'verdict', outcome: 'inconclusive' });
    expect(watch.readReport().results[0]?.reason).toBe('it was still to be seen: log in');
  });
});

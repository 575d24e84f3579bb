/** The example engine of shell commands, over real sockets. That of Python passes in the first hour. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Report } from '../../../harness/report/report.ts';
import { backlot } from '../../e2e/serve-process.ts';
import { requirePeers } from '../peers.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-shell-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ENGINE = 'exec:examples/engines/shell/engine.sh';
const PEERS = ['bash', 'curl', 'openssl', 'jq', 'qemu-img'];

describe.skipIf(!requirePeers(PEERS).available)('the shell engine', () => {
  it('keeps every must-rule of what it declares, plain and over TLS', async () => {
    const done = await backlot(['run', '--quick', '--engine', ENGINE, '--report', folder]);
    const { engine, rules, results } = JSON.parse(
      readFileSync(join(folder, 'report.json'), 'utf8'),
    ) as Report;
    expect(engine).toMatchObject({ outcome: 'pass', reasons: [] });
    expect(done.code).toBe(0);
    expect(rules.filter(({ outcome }) => outcome === 'violated')).toEqual([]);
    expect(rules.filter(({ outcome }) => outcome === 'passed').length).toBeGreaterThan(55);
    expect(new Set(results.map((result) => result.engine))).toEqual(
      new Set(['shell-example nbd', 'shell-example nbdssl']),
    );
  }, 300_000);
});

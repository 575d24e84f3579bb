/** Whole stories at every guest level: backed up, changed, backed up again and restored through real devices. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../../harness/report/report.ts';
import { backlot } from '../../e2e/serve-process.ts';
import { requirePeers } from '../peers.ts';

const STORIES = ['S002', 'S050', 'S065'];
const hasFuse = existsSync('/dev/fuse') && requirePeers(['nbdfuse']).available;
const isRoot = userInfo().uid === 0;

const LEVELS = [
  { level: 'socket', isPossible: true },
  { level: 'fuse', isPossible: hasFuse },
  { level: 'loop', isPossible: hasFuse && isRoot && requirePeers(['losetup']).available },
  { level: 'qemu', isPossible: requirePeers(['qemu-system-x86_64', 'cc']).available },
];

for (const { level, isPossible } of LEVELS)
  describe.skipIf(!isPossible)(`guest level ${level}`, () => {
    it('plays stories to the end, and the bytes are right', async () => {
      const report = ['--json', '--report', `reports/guest-${level}`];
      const { code, stdout, stderr } = await backlot(
        ['run', ...STORIES, '--engine', 'hotadd', '--guest', level].concat(report),
      );
      expect(stderr).not.toContain('internal error');
      const { results } = JSON.parse(stdout) as Report;
      expect(results.map(({ scenario, outcome, reason }) => [scenario.slice(0, 4), outcome, reason])).toEqual(
        STORIES.map((id) => [id, 'passed', '']),
      );
      for (const { comparedBytes } of results) expect(comparedBytes).toBeGreaterThan(0);
      expect(code).toBe(0);
    }, 180_000);
  });

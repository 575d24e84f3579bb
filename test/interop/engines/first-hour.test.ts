/** A vendor's first hour, as a new user would try it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { missingPart } from '../../simulation/shown-commands.ts';
import { requirePeers } from '../peers.ts';
import { runSession, sessionOf } from './shown-session.ts';

const SESSION = sessionOf(readFileSync('docs/first-hour.md', 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'backlot-hour-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** All else succeeds. */
const RED = ['backlot run S005'];

describe.skipIf(!requirePeers(['bash', 'curl', 'jq', 'nbdcopy', 'python3']).available)(
  'the first hour',
  () => {
    it('goes as the page says, from a red verdict over its rule to a pass', async () => {
      const ran = await runSession(
        SESSION.map(({ command }) => command),
        folder,
      );
      expect(ran.length).toBe(SESSION.length);
      for (const [at, { command, output }] of SESSION.entries()) {
        const { code, out } = ran[at] ?? { code: -1, out: '' };
        const missing = missingPart(output, out);
        expect({ command, missing, ...(missing === undefined ? {} : { out }) }).toEqual({
          command,
          missing: undefined,
        });
        expect({ command, code }).toEqual({
          command,
          code: RED.some((one) => command.startsWith(one)) ? 1 : 0,
        });
      }
      expect(readFileSync(join(folder, 'summary.md'), 'utf8')).toContain('python-example');
      expect(readFileSync(join(folder, 'baseline', 'report.html'), 'utf8')).toContain('<html');
    }, 300_000);
  },
);

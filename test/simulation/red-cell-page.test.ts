import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { missingPart, plainOutput, runShown, shownCommands } from './shown-commands.ts';

const PAGE = readFileSync('docs/from-a-red-cell-to-twelve-lines.md', 'utf8');
const COMMANDS = shownCommands(PAGE);

const folder = mkdtempSync(join(tmpdir(), 'backlot-page-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the page about a red cell', () => {
  it('shows a sweep, a replay and a shrinking', () => {
    expect(COMMANDS.map(({ command }) => command.split(' ')[0])).toEqual(['sweep', 'replay', 'shrink']);
    expect(COMMANDS.every(({ output }) => output.length > 100)).toBe(true);
  });

  it('prints what its commands print, and ends with a dozen lines that say what breaks', () => {
    const codes = COMMANDS.map(({ command, output }) => {
      const { code, out } = runShown(command.split(' '), folder);
      expect({ command, missing: missingPart(output, out) }).toEqual({ command, missing: undefined });
      return code;
    });
    expect(codes).toEqual([1, 1, 0]);
    const small = readFileSync(join(folder, 'small.yaml'), 'utf8');
    expect(plainOutput(small)).toBe(plainOutput(/```yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? ''));
    expect(small.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
    const again = JSON.parse(runShown(['replay', 'small.yaml', '--json'], folder).out) as object;
    expect(again).toMatchObject({ outcome: 'failed', isSameJournal: true });
    // Without the mutant it passes.
    expect(runShown(['run', 'small.yaml', '--report', 'demo'], folder).code).toBe(0);
  }, 180_000);
});

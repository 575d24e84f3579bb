import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const PAGE = readFileSync('docs/from-a-red-cell-to-twelve-lines.md', 'utf8');
const MAIN = resolve('src/cli/main.ts');

const folder = mkdtempSync(join(tmpdir(), 'backlot-page-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Shown {
  readonly command: string;
  readonly output: string;
}

const COMMANDS: readonly Shown[] = Array.from(
  PAGE.matchAll(/```console\n\$ backlot ([^\n]*)\n(.*?)```/gs),
  ([, command = '', output = '']) => ({ command, output }),
);

function backlot(words: readonly string[]): { code: number | null; out: string } {
  const child = spawnSync(process.execPath, [MAIN, ...words], { cwd: folder, encoding: 'utf8' });
  return { code: child.status, out: `${child.stdout}${child.status === 2 ? child.stderr : ''}` };
}

/** Without what differs from one version of the engine or the machine to the next. */
function plain(text: string): string {
  return text
    .replaceAll(/\b\d{8}T\d{6}Z-[0-9a-f]{8}\b/g, 'POINT')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
    .replaceAll(/\d+(\.\d+)?/g, 'N')
    .replaceAll(/(POINT[^\n]*?)\.\.\."/g, '$1"')
    .replaceAll(/[ |]+$/gm, '')
    .replaceAll(/ +/g, ' ')
    .trim();
}

/** The parts between the dots, each of which must come after the one before. */
function expectShown(shown: string, out: string): void {
  let rest = plain(out);
  for (const part of shown.split(/^\.\.\.$/m).map(plain)) {
    expect(rest).toContain(part);
    rest = rest.slice(rest.indexOf(part) + part.length);
  }
}

describe('the page about a red cell', () => {
  it('shows a sweep, a replay and a shrinking', () => {
    expect(COMMANDS.map(({ command }) => command.split(' ')[0])).toEqual(['sweep', 'replay', 'shrink']);
    expect(COMMANDS.every(({ output }) => output.length > 100)).toBe(true);
  });

  it('prints what its commands print, and ends with a dozen lines that say what breaks', () => {
    const codes = COMMANDS.map(({ command, output }) => {
      const { code, out } = backlot(command.split(' '));
      expectShown(output, out);
      return code;
    });
    expect(codes).toEqual([1, 1, 0]);
    const small = readFileSync(join(folder, 'small.yaml'), 'utf8');
    expect(plain(small)).toBe(plain(/```yaml\n(.*?)```/s.exec(PAGE)?.[1] ?? ''));
    expect(small.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
    const again = JSON.parse(backlot(['replay', 'small.yaml', '--json']).out) as Record<string, unknown>;
    expect(again).toMatchObject({ outcome: 'failed', isSameJournal: true });
    // Without the mutant it passes.
    expect(backlot(['run', 'small.yaml', '--report', 'demo']).code).toBe(0);
  }, 180_000);
});

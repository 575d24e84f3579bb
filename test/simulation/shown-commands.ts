/** Commands that a document shows with what they print: run again, and compared. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

export interface Shown {
  readonly command: string;
  readonly output: string;
}

const MAIN = resolve('src/cli/main.ts');

export function shownCommands(page: string): readonly Shown[] {
  const blocks = page.matchAll(/```console\n\$ backlot ([^\n]*)\n(.*?)```/gs);
  return Array.from(blocks, ([, command = '', output = '']) => ({ command, output }));
}

export function runShown(words: readonly string[], cwd: string): { code: number | null; out: string } {
  const child = spawnSync(process.execPath, [MAIN, ...words], { cwd, encoding: 'utf8' });
  return { code: child.status, out: `${child.stdout}${child.status === 2 ? child.stderr : ''}` };
}

/** Without what differs from one version of the engine or the machine to the next. */
export function plainOutput(text: string): string {
  return (
    text
      .replaceAll(/\b\d{8}T\d{6}Z-[0-9a-f]{8}\b/g, 'POINT')
      .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
      .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID')
      .replaceAll(/\bbacklot-[0-9a-f]{12}\b/g, 'backlot-RUN')
      .replaceAll(/\d+(\.\d+)?/g, 'N')
      .replaceAll(/(POINT[^\n]*?)\.\.\."/g, '$1"')
      // Lanes of a timeline are where there is room for them.
      .replaceAll(/^[ |]+|[ |]+$/gm, '')
      .replaceAll(/ +/g, ' ')
      .trim()
  );
}

/** The first of the parts between the dots that does not come after the one before; undefined when all do. */
export function missingPart(shown: string, out: string): string | undefined {
  let rest = plainOutput(out);
  for (const part of shown.split(/^\.\.\.$/m).map(plainOutput)) {
    const at = rest.indexOf(part);
    if (at < 0) return part;
    rest = rest.slice(at + part.length);
  }
  return undefined;
}

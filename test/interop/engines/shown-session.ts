/** The terminal session of a document: its commands run one after the other in one shell, with what they print. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Shown } from '../../simulation/shown-commands.ts';

const MARK = '@@ the end of command';

/** Every line after `$ ` is a command; what follows until the next one is what it prints. */
export function sessionOf(page: string): readonly Shown[] {
  const blocks = page.matchAll(/```console\n(.*?)```/gs);
  return Array.from(blocks, ([, block = '']) => block)
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [command = '', ...output] = part.split('\n');
      return { command, output: output.join('\n') };
    });
}

/** Listens at free ports, since others may be at work on the machine. */
const BACKLOT = `#!/bin/sh
case $1 in
  serve) set -- "$@" --port 0 --hci-port 0 --nbd-port 0 --control-port 0 ;;
  watch) set -- "$@" --port 0 --hci-port 0 --nbd-port 0 ;;
esac
exec '${process.execPath}' '${resolve('src/cli/main.ts')}' "$@"
`;

export interface Ran {
  readonly code: number;
  readonly out: string;
}

/** What each command printed, in their order. */
export async function runSession(commands: readonly string[], folder: string): Promise<readonly Ran[]> {
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin', 'backlot'), BACKLOT, { mode: 0o755 });
  const script = commands.map((command) => `${command}\necho "${MARK} $?"`).join('\n');
  const path = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
  const shell = spawn('bash', ['-c', script], {
    cwd: folder,
    env: { ...process.env, PATH: path, BACKLOT: resolve('.') },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let text = '';
  shell.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await new Promise((done) => shell.once('close', done));
  return Array.from(text.matchAll(/(.*?)@@ the end of command (\d+)\n/gs), ([, out = '', code]) => ({
    code: Number(code),
    out,
  }));
}

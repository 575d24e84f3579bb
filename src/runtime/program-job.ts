/** A program of somebody else's that gets one document on its standard input and is ended as a whole. */
import { spawn } from 'node:child_process';

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole of standard input. */
  readonly input: string;
  readonly onOutput: (chunk: Uint8Array) => void;
}

export type ProgramEnd =
  /** `errorText`: the end of what it wrote to standard error. */
  | { readonly kind: 'exited'; readonly code: number; readonly errorText: string }
  | { readonly kind: 'died'; readonly signal: string; readonly errorText: string }
  | { readonly kind: 'unreachable'; readonly why: string };

export interface RunningProgram {
  /** When the program has ended and its output is read; children of it that live on do not count. */
  readonly ended: Promise<ProgramEnd>;
  /** Ends it and all its children, at once. */
  kill(): void;
}

const KEPT_ERROR_CHARACTERS = 16_384;
/** A child that outlives the program may keep its output open. */
const LAST_OUTPUT_MS = 500;

export function startProgram({ command, args, input, onOutput }: ProgramOptions): RunningProgram {
  // Detached: a process group of its own, so that its children are ended with it.
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let errorText = '';
  child.stdout.on('data', onOutput);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errorText = (errorText + text).slice(-KEPT_ERROR_CHARACTERS);
  });
  // A program need not read its input to its end.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const kill = (): void => killGroup(child.pid);
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ kind: 'unreachable', why: `${command} cannot be started: ${explain(error)}` }),
    );
    child.once('exit', (code, signal) => {
      const tell = (): void => {
        clearTimeout(timer);
        // What it has left running would go on working for a job that is over.
        kill();
        resolve(
          code === null
            ? { kind: 'died', signal: signal ?? 'a signal', errorText }
            : { kind: 'exited', code, errorText },
        );
      };
      const timer = setTimeout(tell, LAST_OUTPUT_MS);
      child.once('close', tell);
    });
  });
  return { ended, kill };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function explain({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'it is not executable (chmod +x)';
  return message;
}

/** Programs of the system that a level needs. Never waited for synchronously: they read what this process serves. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';

export interface ProgramEnd {
  /** `undefined`: it could not be started, or a signal ended it. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end; never rejects. */
export function runProgram(program: string, args: readonly string[]): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    execFile(program, args, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
      resolve({ code, stdout, stderr: stderr === '' && error !== null ? error.message : stderr });
    });
  });
}

/** @throws Error with the program's own words */
export async function mustRun(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim() || `ended with ${code}`}`);
  return stdout.trim();
}

/** Whether the system has the program. */
export async function hasProgram(program: string): Promise<boolean> {
  return (await runProgram(program, ['--version'])).code !== undefined;
}

export interface RunningProgram {
  readonly child: ChildProcess;
  /** Resolves when it has ended, with what it said. */
  readonly ended: Promise<ProgramEnd>;
}

/** Starts a program that stays. In a session of its own, so that Ctrl-C at a terminal reaches only its owner. */
export function startProgram(program: string, args: readonly string[]): RunningProgram {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once('error', (error) => resolve({ code: undefined, stdout: '', stderr: error.message }));
    child.once('close', (code) => resolve({ code: code ?? undefined, stdout: '', stderr }));
  });
  return { child, ended };
}

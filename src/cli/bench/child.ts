/** Processes that a bench starts, waits for, and surely ends. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { BenchSkipped, timed } from './measure.ts';

/** @throws BenchSkipped naming the tool and the package that brings it */
export function requireTool(tool: string, debianPackage: string): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (folders.some((folder) => existsSync(join(folder, tool)))) return;
  throw new BenchSkipped(`${tool} is not installed; sudo apt-get install ${debianPackage}`);
}

export interface Running extends AsyncDisposable {
  readonly process: ChildProcess;
}

/** Starts a process that runs until disposed. */
export function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  child.stderr?.resume();
  return {
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** The first line that a process prints. */
export function firstLine(running: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    const { process: child } = running;
    if (child.stdout === null) throw new Error('the process has no standard output');
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('close', (code) => reject(new Error(`the process ended with ${code} before it was ready`)));
    child.once('error', reject);
  });
}

/** Resolves when something listens on a port of the loopback. @throws Error after a minute */
export async function portOpen(port: number): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (performance.now() < giveUpAt) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`nothing listens on port ${port}`);
}

/** Runs a process to its end. Returns its milliseconds. @throws Error with its stderr when it fails */
export function runTimed(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  return timed(
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn(command, args, {
          stdio: ['ignore', 'ignore', 'pipe'],
          env: { ...process.env, ...env },
        });
        let complaint = '';
        child.stderr.on('data', (chunk: Buffer) => {
          complaint += chunk.toString();
        });
        child.once('error', reject);
        child.once('close', (code) =>
          code === 0
            ? resolve()
            : reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${complaint}`)),
        );
      }),
  );
}

/** A TCP port of the loopback that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Resident memory of a process in bytes, as Linux accounts it. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new BenchSkipped('this system does not tell a process its resident memory');
  return Number(kib) * 1024;
}

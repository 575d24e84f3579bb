/** Programs of other people: run to the end, or kept running while a test talks to them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Done {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. Never blocks the event loop, since the server it talks to lives in this process. */
export function run(command: string, ...args: string[]): Promise<Done> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.once('error', reject);
    child.once('close', (status) => {
      resolve({ status, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** Runs a program that must succeed; returns what it printed. */
export async function runOk(command: string, ...args: string[]): Promise<string> {
  const done = await run(command, ...args);
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: exit ${done.status}: ${done.stderr}`);
  return done.stdout;
}

/** A folder for one test file; removed with `remove`. */
export function makeFolder(): { path: (name: string) => string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-nbd-'));
  return {
    path: (name) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

export interface PeerServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server that must accept connections on the port that `args` is given. */
export async function startServer(command: string, args: (port: number) => string[]): Promise<PeerServer> {
  const port = await freePort();
  const child = spawn(command, args(port), { stdio: ['ignore', 'ignore', 'pipe'] });
  const errors: Buffer[] = [];
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await untilListening(port, child, () => Buffer.concat(errors).toString());
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Connects again and again until somebody answers; every attempt takes a turn of the event loop. */
async function untilListening(port: number, child: ChildProcess, errors: () => string): Promise<void> {
  for (const endMs = Date.now() + 20_000; Date.now() < endMs; ) {
    if (child.exitCode !== null) throw new Error(`server ended with ${child.exitCode}: ${errors()}`);
    if (await answers(port)) return;
  }
  child.kill('SIGKILL');
  throw new Error(`server does not listen: ${errors()}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

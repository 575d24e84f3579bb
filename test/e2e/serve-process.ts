/** A `backlot serve` in a process of its own, and the command line pointed at it. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Ready {
  readonly scp: string;
  readonly hci: string;
  readonly nbd: string;
  readonly control: string;
  readonly username: string;
  readonly password: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly caFile: string;
  readonly world: string;
  readonly seed: string;
  readonly guest: string;
  readonly guestDir: string;
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = 'src/cli/main.ts';

/** Runs the command line to its end. */
export function backlot(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

export interface ServeProcess {
  readonly ready: Ready;
  readonly pid: number;
  /** `--scp`, `--ca` and `--nbd-port` for this simulator. */
  readonly scpArguments: readonly string[];
  readonly credentials: Readonly<Record<string, string>>;
  /** Runs a command that must succeed. Returns its standard output. */
  backlot(...args: string[]): Promise<string>;
  /** The same with `--json`; returns the last line parsed. */
  backlotJson<T>(...args: string[]): Promise<T>;
  /** POSTs to the control interface. */
  control(path: string, body?: Uint8Array | object): Promise<unknown>;
  readDisk(server: string, device: string, sizeBytes: number): Promise<Buffer>;
  /** SIGTERM when no signal is named. Returns the exit code. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>;
}

export async function startServe(args: readonly string[] = []): Promise<ServeProcess> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void closed.then((code) => reject(new Error(`serve ended with ${code}: ${complaint}`)));
  });
  const ready = JSON.parse(line) as Ready;
  const credentials = { BACKLOT_ACCESS_KEY: ready.accessKey, BACKLOT_SECRET_KEY: ready.secretKey };
  const must = async (...command: string[]): Promise<string> => {
    const done = await backlot(command, credentials);
    if (done.code !== 0)
      throw new Error(`backlot ${command.join(' ')} ended with ${done.code}: ${done.stderr}${done.stdout}`);
    return done.stdout;
  };
  const controlUrl = (path: string): string => `${ready.control}/_backlot/v1${path}`;
  return {
    ready,
    pid: child.pid ?? 0,
    credentials,
    scpArguments: ['--scp', ready.scp, '--ca', ready.caFile, '--nbd-port', new URL(ready.nbd).port],
    backlot: must,
    async backlotJson<T>(...command: string[]) {
      const lines = (await must(...command, '--json')).trimEnd().split('\n');
      return JSON.parse(lines.at(-1) ?? '') as T;
    },
    async control(path, body) {
      const isBytes = body instanceof Uint8Array;
      const answer = await fetch(controlUrl(path), {
        method: 'POST',
        headers: { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' },
        body: isBytes ? Buffer.from(body) : JSON.stringify(body ?? {}),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}: ${text}`);
      return text === '' ? undefined : JSON.parse(text);
    },
    async readDisk(server, device, sizeBytes) {
      const pieces: Buffer[] = [];
      const step = 8 * 1024 * 1024;
      for (let offset = 0; offset < sizeBytes; offset += step) {
        const length = Math.min(step, sizeBytes - offset);
        const answer = await fetch(
          controlUrl(
            `/worlds/${ready.world}/servers/${server}/disks/${device}/read?offset=${offset}&length=${length}`,
          ),
        );
        if (!answer.ok)
          throw new Error(`reading ${device} answered ${answer.status}: ${await answer.text()}`);
        pieces.push(Buffer.from(await answer.arrayBuffer()));
      }
      return Buffer.concat(pieces);
    },
    async stop(signal = 'SIGTERM') {
      // A second signal would end it before it has cleaned up.
      if (!child.killed) child.kill(signal);
      return closed;
    },
  };
}

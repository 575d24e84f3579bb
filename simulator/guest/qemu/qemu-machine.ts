/**
 * One QEMU process: started, spoken to, ended.
 *
 * It must not outlive this process, however this one ends: `setpriv --pdeathsig` (util-linux) makes the kernel kill
 * it then. Ending it is always a power cut; what its guest has written is with the simulator's disks by then.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { type Clock, sleep } from '../../../src/kernel/clock.ts';
import { hasProgram } from '../levels/run-program.ts';
import { type MachinePaths, type MachineShape, qemuArguments } from './qemu-command.ts';
import { asRecord, QmpClient } from './qmp-client.ts';

/** The machine does not run: QEMU is not installed, refuses, or ended. */
export class QemuError extends Error {
  override readonly name = 'QemuError';
}

export const QEMU = 'qemu-system-x86_64';
/** Of what the guest printed at last, so many characters help in an error. */
const CONSOLE_TAIL = 2000;
/** Bytes per second; QEMU's own limit is meant for networks. */
const UNLIMITED = 10 ** 11;
const LOOK_MS = 10;

export class QemuMachine implements AsyncDisposable {
  readonly qmp: QmpClient;
  /** This end of the agent's port. */
  readonly agentPort: net.Socket;
  /** Rejects with `QemuError` when the process ends; never resolves. */
  readonly ended: Promise<never>;
  readonly #child: ChildProcess;
  readonly #paths: MachinePaths;

  private constructor(
    child: ChildProcess,
    paths: MachinePaths,
    ended: Promise<never>,
    sockets: readonly [qmp: net.Socket, agent: net.Socket],
  ) {
    this.#child = child;
    this.#paths = paths;
    this.ended = ended;
    this.qmp = new QmpClient(sockets[0]);
    this.agentPort = sockets[1];
  }

  /** From the state that the shape names, if it names one. @throws QemuError */
  static async start(shape: MachineShape, folder: string): Promise<QemuMachine> {
    const paths = {
      qmp: join(folder, 'qmp.sock'),
      agent: join(folder, 'port.sock'),
      console: join(folder, 'console.log'),
    };
    const doors = [await openDoor(paths.qmp), await openDoor(paths.agent)] as const;
    const child = await launch([QEMU, ...qemuArguments(shape, paths), ...stateArguments(shape)]);
    const ended = endOf(child);
    try {
      const sockets = await Promise.race([Promise.all([doors[0].accepted, doors[1].accepted]), ended]);
      const machine = new QemuMachine(child, paths, ended, sockets);
      // A connection that breaks belongs to a process that ends, which says why.
      await Promise.race([machine.qmp.negotiate().catch(() => ended), ended]);
      return machine;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      for (const { server } of doors) server.close();
    }
  }

  /** @throws QemuError after so long, or when the machine ends; with `what`, and the last words on its console */
  async within<T>(clock: Clock, ms: number, work: Promise<T>, what: string): Promise<T> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = clock.setTimer(clock.now() + ms, () => {
      const said = this.#consoleTail();
      reject(new QemuError(`${what} within ${ms / 1000} s${said === '' ? '' : `; its console: ${said}`}`));
    });
    work.catch(() => undefined);
    try {
      return await Promise.race([work, late, this.ended]);
    } finally {
      timer.cancel();
    }
  }

  /** Stops the machine and writes its state to a file; it is of no other use afterwards. @throws QemuError, QmpError */
  async save(file: string, clock: Clock): Promise<void> {
    await this.qmp.execute('migrate-set-parameters', { 'max-bandwidth': UNLIMITED });
    await this.qmp.execute('migrate', { uri: `exec:cat > ${quoted(file)}` });
    for (;;) {
      const { status } = asRecord(await this.qmp.execute('query-migrate'));
      if (status === 'completed') return;
      if (status === 'failed') throw new QemuError(`the state of a machine cannot be written to ${file}`);
      await sleep(clock, LOOK_MS);
    }
  }

  #consoleTail(): string {
    return existsSync(this.#paths.console)
      ? readFileSync(this.#paths.console, 'utf8').slice(-CONSOLE_TAIL).trim()
      : '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.qmp.close();
    this.agentPort.destroy();
    if (hasEnded(this.#child)) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

function stateArguments({ boot }: MachineShape): readonly string[] {
  if (boot.kind !== 'kernel' || boot.state === undefined) return [];
  return ['-incoming', `exec:cat ${quoted(boot.state)}`];
}

/** As one word for the shell through which QEMU runs programs. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function launch(command: readonly string[]): Promise<ChildProcess> {
  const isGuarded = await hasProgram('setpriv');
  const [program = QEMU, ...words] = isGuarded ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
  // A group of its own: Ctrl-C in a terminal ends this process, which then ends QEMU in its own order.
  return spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'], detached: isGuarded });
}

function endOf(child: ChildProcess): Promise<never> {
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-CONSOLE_TAIL);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('error', (cause) =>
      reject(new QemuError(`${QEMU} does not start; install qemu-system-x86`, { cause })),
    );
    child.once('close', (status, signal) => {
      const said = complaint.trim();
      reject(new QemuError(`${QEMU} has ended (${signal ?? status})${said === '' ? '' : `: ${said}`}`));
    });
  });
  // Who waits for something of the machine races with this; nobody may be waiting.
  ended.catch(() => undefined);
  return ended;
}

interface Door {
  readonly server: net.Server;
  readonly accepted: Promise<net.Socket>;
}

async function openDoor(path: string): Promise<Door> {
  const server = net.createServer();
  const accepted = new Promise<net.Socket>((resolve) => server.once('connection', resolve));
  server.listen({ path });
  await once(server, 'listening');
  return { server, accepted };
}

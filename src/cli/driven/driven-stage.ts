/** Where somebody else's engine meets simulated worlds: sockets, a folder for its repository, devices of proxies. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { DrivenStage } from '../../../harness/runner/driven/driven-engine.ts';
import { listen } from '../../../simulator/app/listen.ts';
import { canListenOn } from '../../../simulator/app/listen-nbd-plane.ts';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import { createSimulator, type ListenableSimulator } from '../../../simulator/app/simulator.ts';
import type { InventorySpec } from '../../../simulator/domain/inventory.ts';
import { claimGuestFolder, emptyGuestFolder } from '../../../simulator/guest/levels/guest-folder-owner.ts';
import { openGuestLevel } from '../../../simulator/guest/levels/open-guest-level.ts';
import { createWallClock } from '../../runtime/wall-clock.ts';

export interface StagePorts {
  readonly scpPort: number;
  readonly hciPort: number;
  readonly nbdPort: number;
}

export interface StageDoor extends AsyncDisposable {
  readonly simulator: ListenableSimulator;
  openStage(hosted: HostedWorld): Promise<DrivenStage>;
}

const HOST = '127.0.0.1';

const FREE_PORTS: StagePorts = { scpPort: 0, hciPort: 0, nbdPort: 0 };

/** Processors are as slow as ever, however fast the time of the platform goes: a handshake gets this much of the wall's. */
const HANDSHAKE_MS = 10_000;

/**
 * A simulator that listens on ports of the loopback interface; stages follow one another on it. `timeScale`: seconds of
 * its worlds per second of the wall.
 */
export async function openStageDoor(timeScale: number, ports: StagePorts = FREE_PORTS): Promise<StageDoor> {
  await using open = new AsyncDisposableStack();
  const folder = await makeFolder();
  open.defer(() => rm(folder, { recursive: true, force: true }));
  const simulator = open.use(
    await createSimulator({
      adapt: await ownAddresses(),
      nbdLimits: { handshakeTimeoutMs: HANDSHAKE_MS * timeScale, closeTimeoutMs: HANDSHAKE_MS * timeScale },
    }),
  );
  const listeners = open.use(await listen(simulator, { host: HOST, ...ports }));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, listeners.caPem);
  const platform = {
    scpUrl: `https://${HOST}:${listeners.scpPort}`,
    hciUrl: `https://${HOST}:${listeners.hciPort}`,
    caFile,
    nbdPort: listeners.nbdPort,
  };
  const opened = open.move();
  let stages = 0;
  return {
    simulator,
    async openStage(hosted) {
      await listeners.refresh();
      const own = join(folder, String(++stages));
      return openStage(hosted, platform, own);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function openStage(
  hosted: HostedWorld,
  platform: DrivenStage['platform'],
  folder: string,
): Promise<DrivenStage> {
  await using open = new AsyncDisposableStack();
  open.defer(() => rm(folder, { recursive: true, force: true }));
  const repository = join(folder, 'repository');
  const guestDir = join(folder, 'g');
  await mkdir(repository, { recursive: true });
  await mkdir(guestDir);
  await claimGuestFolder(guestDir, process.pid);
  open.defer(() => emptyGuestFolder(guestDir));
  open.use(
    await openGuestLevel('socket', {
      folder: guestDir,
      world: hosted.world,
      guests: hosted.guests,
      wall: createWallClock({ isBackground: true }),
      report: (line) => process.stderr.write(`guest: ${line}\n`),
    }),
  );
  const opened = open.move();
  return { platform, repository, guestDir, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Short, because the path of a unix socket is. */
async function makeFolder(): Promise<string> {
  const parent = join(tmpdir(), `backlot-run-${userInfo().uid}`);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  return mkdtemp(join(parent, 'd-'));
}

/** Hosts get addresses of the loopback network where the system has them, else all the same. */
async function ownAddresses(): Promise<(inventory: InventorySpec) => InventorySpec> {
  const hasOwn = await canListenOn('127.231.18.1');
  const addressOf = (at: number): string => (hasOwn ? `127.231.18.${at + 1}` : HOST);
  return (inventory) => ({
    ...inventory,
    hosts: inventory.hosts.map((host, at) => ({ ...host, ip: addressOf(at) })),
  });
}

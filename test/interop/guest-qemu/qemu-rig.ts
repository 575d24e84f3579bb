/** A world whose proxy is a real virtual machine: two disks of a server with known bytes, a proxy, an engine's agent. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import type { HotAddRequest } from '../../../simulator/domain/hot-add-api.ts';
import {
  type GuestLevelOptions,
  GuestLevelUnavailable,
  type OpenGuestLevel,
} from '../../../simulator/guest/levels/guest-level.ts';
import { openGuestLevel } from '../../../simulator/guest/levels/open-guest-level.ts';
import { machineShape } from '../../../simulator/guest/qemu/machine-options.ts';
import type { ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { connectGuestChannel } from '../../../src/runtime/guest-channel-agent.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { PROXY, proxySpec } from '../../unit/domain/proxy-world.ts';
import { requirePeers } from '../peers.ts';
import { emptyDisk, finish, inventory, SERVER, serverSpec } from '../../unit/domain/small-world.ts';

export { PROXY, SERVER };

const MIB = 2 ** 20;
export const DISKS = { ide0: 24 * MIB, virtio0: 8 * MIB } as const;
export type DiskName = keyof typeof DISKS;

export interface Lease {
  clones(...disks: DiskName[]): HotAddRequest[];
  end(): Promise<void>;
}

export interface QemuRig extends AsyncDisposable {
  readonly hosted: HostedWorld;
  readonly level: OpenGuestLevel;
  /** What the level has told its owner. */
  readonly reports: readonly string[];
  /** What the disks of the server were filled with. */
  readonly bytes: Readonly<Record<DiskName, Buffer>>;
  /** Process ids of the machines that run under this process. */
  machines(): Promise<readonly string[]>;
  uuid(disk: DiskName): string;
  leaseForBackup(): Promise<Lease>;
  leaseForRestore(): Promise<Pick<Lease, 'end'>>;
  add(...disks: HotAddRequest[]): Promise<void>;
  remove(...disks: DiskName[]): Promise<void>;
  /** Runs a task to its end. @throws Error when it fails */
  finished(taskId: string): Promise<void>;
  powerOn(server: string): Promise<void>;
  powerOff(server: string): Promise<void>;
  /** Everything that was under way has come to an end. */
  settled(): Promise<void>;
  /** An engine's way into the proxy. Virtual time stands still while it waits for the guest. */
  agent(): Promise<ProxyAgent>;
  /** The same for a program of its own, for which the world's time does not wait. */
  strangersAgent(): Promise<ProxyAgent>;
}

/** Whether such a machine can be made here. Prints what is missing. */
export function needQemu(): boolean {
  if (!requirePeers(['qemu-system-x86_64']).available) return false;
  try {
    machineShape({});
    return true;
  } catch (error) {
    if (!(error instanceof GuestLevelUnavailable)) throw error;
    console.warn(`skipped: ${error.message}. ${error.hint}`);
    return false;
  }
}

export async function openQemuRig(
  more: Pick<GuestLevelOptions, 'machine' | 'proxyImage'> = {},
): Promise<QemuRig> {
  await using opening = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'backlot-rig-'));
  opening.defer(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new VirtualClock(1_767_571_200_000);
  const hosted = await hostWorld(clock, opening);
  const bytes = await fillDisks(hosted);
  const { world, guests } = hosted;
  const reports: string[] = [];
  const report = (line: string): void => void reports.push(line);
  const level = opening.use(
    await openGuestLevel('qemu', { world, guests, folder, wall: createWallClock(), report, ...more }),
  );
  const connect = (options: { clock?: VirtualClock }): Promise<ProxyAgent> =>
    connectGuestChannel({ guestDir: folder, ...options })(
      { id: PROXY, name: PROXY },
      new AbortController().signal,
    );
  const opened = opening.move();
  return {
    hosted,
    level,
    reports,
    bytes,
    machines: () => machinesOf(process.pid),
    ...actions(hosted, clock),
    settled: () => clock.drain(),
    agent: () => connect({ clock }),
    strangersAgent: () => connect({}),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

type Actions = Pick<
  QemuRig,
  'uuid' | 'finished' | 'leaseForBackup' | 'leaseForRestore' | 'add' | 'remove' | 'powerOn' | 'powerOff'
>;

function actions({ world }: HostedWorld, clock: VirtualClock): Actions {
  const run = async (made: { readonly taskId: string }): Promise<void> => {
    const { status, description } = await finish({ world, clock, journal: world.journal }, made);
    if (status !== 'finish') throw new Error(`the task ended as ${status}: ${description}`);
  };
  const uuid = (disk: DiskName): string =>
    world.servers.get(SERVER).disks.find(({ deviceId }) => deviceId === disk)?.uuid ?? '';
  const lease = async (type: 'backup' | 'restore'): Promise<Pick<Lease, 'end'>> => {
    const made = world.backupResources.create({ serverId: SERVER, type, lockTimeSeconds: 600 }, 'me');
    await run(made);
    return { end: () => run(world.backupResources.delete(made.resourceId, 'me')) };
  };
  return {
    uuid,
    finished: (taskId) => run({ taskId }),
    async leaseForBackup() {
      const { taskId, snapshotId } = world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
      await run({ taskId });
      const { end } = await lease('backup');
      const clones = (...disks: DiskName[]): HotAddRequest[] =>
        disks.map((disk) => ({ diskId: uuid(disk), purpose: 'backup', snapshotId }));
      return { clones, end };
    },
    leaseForRestore: () => lease('restore'),
    add: (...disks) => run(world.hotAdd.add(PROXY, disks, 'me')),
    remove: (...disks) => run(world.hotAdd.remove(PROXY, disks.map(uuid), 'me')),
    powerOn: (server) => run(world.servers.start(server, 'me')),
    powerOff: (server) => run(world.servers.stop(server, { force: false }, 'me')),
  };
}

async function hostWorld(clock: VirtualClock, opening: AsyncDisposableStack): Promise<HostedWorld> {
  const disks = Object.entries(DISKS).map(([name, size]) => emptyDisk(name, size));
  const simulator = opening.use(await createSimulator({}));
  return simulator.createWorld({
    seed: 'qemu',
    clock,
    inventory: inventory([serverSpec({ disks }), proxySpec(PROXY, { hostId: 'host-a' })]),
  });
}

/** Everything but the last mebibyte, which stays a hole. */
async function fillDisks({ world }: HostedWorld): Promise<QemuRig['bytes']> {
  const fill = async (name: DiskName): Promise<Buffer> => {
    const data = createRng(name).bytes(DISKS[name] - MIB);
    await world.guest.write(SERVER, name, 0, data);
    return Buffer.concat([data, Buffer.alloc(MIB)]);
  };
  return { ide0: await fill('ide0'), virtio0: await fill('virtio0') };
}

export async function machinesOf(parent: number): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,comm=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, ppid, name]) => ppid === `${parent}` && name?.startsWith('qemu-system') === true)
    .map(([pid = '']) => pid);
}

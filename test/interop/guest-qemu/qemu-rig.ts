/** A world whose proxy is a real virtual machine: two disks of a server with known bytes, a proxy, an engine's agent. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import type { HotAddRequest } from '../../../simulator/domain/world-api.ts';
import type { OpenGuestLevel } from '../../../simulator/guest/levels/guest-level.ts';
import { openGuestLevel } from '../../../simulator/guest/levels/open-guest-level.ts';
import type { ProxyMachineOptions } from '../../../simulator/guest/qemu/qemu-command.ts';
import type { ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { connectGuestChannel } from '../../../src/runtime/guest-channel-agent.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { PROXY, proxySpec } from '../../unit/domain/proxy-world.ts';
import { emptyDisk, finish, inventory, SERVER, serverSpec } from '../../unit/domain/small-world.ts';

export { PROXY, SERVER };

const MIB = 2 ** 20;
export const DISKS = { ide0: 24 * MIB, virtio0: 8 * MIB } as const;
export type DiskName = keyof typeof DISKS;

export interface QemuRig extends AsyncDisposable {
  readonly hosted: HostedWorld;
  readonly clock: VirtualClock;
  readonly level: OpenGuestLevel;
  /** What the disks of the server were filled with. */
  readonly bytes: Readonly<Record<DiskName, Buffer>>;
  /** Process ids of the machines that run under this process. */
  machines(): Promise<readonly string[]>;
  uuid(disk: DiskName): string;
  /** Runs a task to its end. @throws Error when it fails */
  task(made: { readonly taskId: string }): Promise<void>;
  /** A snapshot and a backup resource; returns the snapshot's id. */
  lease(): Promise<string>;
  add(...disks: HotAddRequest[]): Promise<void>;
  remove(...disks: DiskName[]): Promise<void>;
  agent(): Promise<ProxyAgent>;
}

export async function openQemuRig(machine: ProxyMachineOptions = {}): Promise<QemuRig> {
  await using opening = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'backlot-rig-'));
  opening.defer(() => rmSync(folder, { recursive: true, force: true }));
  const clock = new VirtualClock(1_767_571_200_000);
  const hosted = await hostWorld(clock, opening);
  const bytes = await fillDisks(hosted);
  const level = opening.use(
    await openGuestLevel('qemu', {
      world: hosted.world,
      guests: hosted.guests,
      folder,
      machine,
      wall: createWallClock(),
      report: (line) => console.warn(line),
    }),
  );
  const connect = connectGuestChannel({ guestDir: folder, clock });
  const opened = opening.move();
  const { world } = hosted;
  const rig: QemuRig = {
    hosted,
    clock,
    level,
    bytes,
    machines: () => machinesOf(process.pid),
    uuid: (disk) => world.servers.get(SERVER).disks.find(({ deviceId }) => deviceId === disk)?.uuid ?? '',
    async task(made) {
      const { status, description } = await finish({ world, clock, journal: world.journal }, made);
      if (status !== 'finish') throw new Error(`the task ended as ${status}: ${description}`);
    },
    async lease() {
      const made = world.snapshots.create(SERVER, { name: 's', description: '' }, 'me');
      await rig.task(made);
      const lease = { serverId: SERVER, type: 'backup', lockTimeSeconds: 600 } as const;
      await rig.task(world.backupResources.create(lease, 'me'));
      return made.snapshotId;
    },
    add: (...disks) => rig.task(world.hotAdd.add(PROXY, disks, 'me')),
    remove: (...disks) =>
      rig.task(
        world.hotAdd.remove(
          PROXY,
          disks.map((disk) => rig.uuid(disk)),
          'me',
        ),
      ),
    agent: () => connect({ id: PROXY, name: PROXY }, new AbortController().signal),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
  return rig;
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

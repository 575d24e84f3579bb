/** A world with proxies in a simulator, and the way of a backup product into a proxy's guest, in virtual time. */
import { connectGuests } from '../../../harness/runner/connect-guests.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import type { HostedWorld } from '../../../simulator/app/simulator-api.ts';
import type { GuestDevice } from '../../../simulator/guest/guest-api.ts';
import type { HotAddRequest } from '../../../simulator/domain/hot-add-api.ts';
import type { Task } from '../../../simulator/domain/world-api.ts';
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { type GuestBlockDevice, type OpenDisk, type ProxyAgent } from '../../../src/engine/proxy-agent.ts';
import type { JournalEntry } from '../../../src/kernel/journal.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { emptyDisk, GRAIN, inventory, SERVER, serverSpec } from '../../unit/domain/small-world.ts';
import { PROXY, proxySpec } from '../../unit/domain/proxy-world.ts';

export { GRAIN, PROXY, SERVER };

export interface GuestRig extends AsyncDisposable {
  readonly hosted: HostedWorld;
  readonly clock: VirtualClock;
  readonly agent: ProxyAgent;
  fault(spec: Omit<FaultSpec, 'on'> & { readonly [field: string]: unknown }): void;
  /** How often the one planned fault fired. */
  fired(): number;
  /** Adds linked clones of the snapshot; returns what became of the task. */
  add(...slots: string[]): Promise<Task>;
  /** Adds the live disks of the stopped server for restore. */
  addLive(...slots: string[]): Promise<Task>;
  /** Starts a removal. */
  remove(...slots: string[]): { taskId: string };
  taskEnd(task: { taskId: string }): Promise<Task>;
  uuid(slot: string): string;
  /** What the simulator shows in the proxy's guest. */
  shown(): readonly GuestDevice[];
  /** The same as an engine sees it. */
  devices(): Promise<readonly GuestBlockDevice[]>;
  open(name: string): Promise<OpenDisk>;
  run<T>(work: Promise<T>): Promise<T>;
  /** Entries of the guest in the journal. */
  guestEntries(): JournalEntry[];
}

/** Two disks; the second is not a whole number of sectors when `oddBytes` says so. */
export async function createGuestRig({ oddBytes = 0 } = {}): Promise<GuestRig> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const simulator = await createSimulator();
  const disks = [emptyDisk('ide0', 16 * GRAIN), emptyDisk('ide1', 8 * GRAIN + oddBytes)];
  const hosted = await simulator.createWorld({
    seed: 'guests',
    clock,
    inventory: inventory([serverSpec({ disks }), proxySpec(PROXY)]),
  });
  const { world } = hosted;
  for (const [at, { deviceId }] of disks.entries())
    await world.guest.write(SERVER, deviceId, GRAIN, Buffer.alloc(GRAIN, `disk ${at} `));
  const taskEnd: GuestRig['taskEnd'] = async ({ taskId }) => {
    for (;;) {
      const task = world.tasks.get(taskId);
      if (task.endMs !== undefined) return task;
      await clock.advanceBy(50);
    }
  };
  const uuid = (slot: string): string =>
    world.servers.get(SERVER).disks.find(({ deviceId }) => deviceId === slot)?.uuid ?? slot;
  const lease = async (type: 'backup' | 'restore') =>
    taskEnd(world.backupResources.create({ serverId: SERVER, type, lockTimeSeconds: 7200 }, 'test'));
  const add = (requests: HotAddRequest[]) => taskEnd(world.hotAdd.add(PROXY, requests, 'test'));
  const agent = await connectGuests(hosted)({ id: PROXY, name: PROXY }, new AbortController().signal);
  const signal = new AbortController().signal;
  let snapshotId: string | undefined;
  return {
    hosted,
    clock,
    agent,
    fault: (spec) => void hosted.faults.add({ on: 'guest', ...spec } as FaultSpec),
    fired: () => hosted.faults.list()[0]?.fired ?? 0,
    async add(...slots) {
      if (snapshotId === undefined) {
        const made = world.snapshots.create(SERVER, { name: 's', description: '' }, 'test');
        await taskEnd(made);
        await lease('backup');
        ({ snapshotId } = made);
      }
      const from = snapshotId;
      return add(slots.map((slot) => ({ diskId: uuid(slot), purpose: 'backup', snapshotId: from })));
    },
    async addLive(...slots) {
      await taskEnd(world.servers.stop(SERVER, { force: true }, 'test'));
      await lease('restore');
      return add(slots.map((slot) => ({ diskId: uuid(slot), purpose: 'restore' })));
    },
    remove: (...slots) => world.hotAdd.remove(PROXY, slots.map(uuid), 'test'),
    taskEnd,
    uuid,
    shown: () => hosted.guests.devices(PROXY),
    devices: () => agent.devices(signal),
    open: (name) => clock.run(agent.open(name, { write: true, signal })),
    run: (work) => clock.run(work),
    guestEntries: () => world.journal.entries.filter(({ type }) => /^guest\.(?:device|io)$/.test(type)),
    async [Symbol.asyncDispose]() {
      await clock.run(agent.close());
      await simulator[Symbol.asyncDispose]();
    },
  };
}

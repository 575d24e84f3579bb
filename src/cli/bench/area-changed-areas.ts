/** One page of changed areas of a 64 TiB disk with a million scattered changes, asked over REST as an engine asks. */
import type { World } from '../../../simulator/domain/world-api.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import { parseInventory } from '../../../simulator/inventory/parse-inventory.ts';
import { createIdSource } from '../../kernel/ids.ts';
import { createRng } from '../../kernel/rng.ts';
import { VirtualClock } from '../../kernel/virtual-clock.ts';
import { createScpClient } from '../../sdk/scp-client.ts';
import type { ScpClient } from '../../sdk/scp-client-api.ts';
import { type BenchArea, median } from './measure.ts';

const CHANGES = 1_000_000;
const BLOCKS = 2 ** 30;

export const benchChangedAreas: BenchArea = async ({ note }) => {
  await using simulator = await createSimulator();
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const inventory = parseInventory(
    'servers: [{ name: big, disks: [{ size: 64TiB, isCbtEnabled: true }] }]',
    'bench.yaml',
    'bench',
  );
  const { world } = await simulator.createWorld({ seed: 'bench', clock, inventory });
  const credential = world.credentials[0];
  if (credential === undefined) throw new Error('the world has no credential');
  const client = createScpClient({
    transport: simulator.transport,
    credentials: { kind: 'ec2', ...credential },
    clock,
    ids: createIdSource(createRng('bench')),
  });
  const server = world.servers.find('big');
  const deviceId = server.disks[0]?.deviceId ?? '';
  const base = await clock.run(snapshot(client, server.id));
  note('changing a million blocks of 64 TiB');
  const memoryBefore = process.memoryUsage().rss;
  scatter(world, server.id, deviceId);
  const memoryMib = (process.memoryUsage().rss - memoryBefore) / 2 ** 20;
  const latest = await clock.run(snapshot(client, server.id));
  const query = { serverId: server.id, deviceId, snapshotId: latest.id, checkpointId: base.checkpointId };
  const pages: number[] = [];
  let areas = 0;
  for (let startOffset = 0; startOffset < BLOCKS * 65_536; ) {
    const startedAt = performance.now();
    const page = await clock.run(client.changedAreas({ ...query, startOffset }));
    pages.push(performance.now() - startedAt);
    areas += page.areas.length;
    startOffset += page.length;
  }
  const pageMs = median(pages);
  const slowest = Math.max(...pages);
  const target = '< 50';
  return [
    {
      area: 'cbt',
      name: `page of changed areas, 64 TiB, ${areas} areas on ${pages.length} pages`,
      unit: 'ms',
      better: 'lower',
      value: pageMs,
      rounds: pages.length,
      target,
      isReached: pageMs < 50,
    },
    {
      area: 'cbt',
      name: 'slowest page, pauses of the garbage collector included',
      unit: 'ms',
      better: 'lower',
      value: slowest,
      rounds: pages.length,
    },
    {
      area: 'cbt',
      name: 'memory of a million changes',
      unit: 'MiB',
      better: 'lower',
      value: memoryMib,
      rounds: 1,
    },
  ];
};

async function snapshot(client: ScpClient, serverId: string): Promise<{ id: string; checkpointId: number }> {
  const made = await client.createSnapshot(serverId, { name: 'bench', description: '' });
  const task = await client.waitForTask(made.taskId, { timeoutMs: 600_000 });
  if (made.snapshotId === undefined) throw new Error(`task ${task.id} made no snapshot`);
  return client.snapshot(serverId, made.snapshotId);
}

function scatter(world: World, serverId: string, deviceId: string): void {
  const rng = createRng('scatter');
  for (let change = 0; change < CHANGES; change++) {
    world.guest.writeSynthetic(serverId, deviceId, rng.int(0, BLOCKS - 1), 1);
  }
}

/** A served simulator with a proxy and a server, driven through its REST door as a backup product does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { guestDiskSerial } from '../../src/contract/assumed.ts';
import { createRandomIds } from '../../src/runtime/random-ids.ts';
import { createUndiciTransport } from '../../src/runtime/undici-transport.ts';
import { createWallClock } from '../../src/runtime/wall-clock.ts';
import type { ScpClient } from '../../src/sdk/scp-client-api.ts';
import { createScpClient } from '../../src/sdk/scp-client.ts';
import { type ServeProcess, startServe } from './serve-process.ts';

export const MIB = 2 ** 20;
/** Bytes of the source's disks. */
export const DISKS = { ide0: 24 * MIB, ide1: 4 * MIB } as const;
export type Slot = keyof typeof DISKS;

const PROXY = 'backup-proxy-1';
const SOURCE = 'web';

/** A disk on the proxy, and where its guest sees it. */
export interface AttachedDisk {
  readonly id: string;
  readonly serial: string;
  /** `<guest folder>/<proxy>/dev/disk/by-id/virtio-<serial>` */
  readonly path: string;
  /** What the snapshot, or the live disk, holds. */
  readonly content: Buffer;
}

export interface ServedProxy extends AsyncDisposable {
  readonly serve: ServeProcess & { readonly guestDir: string };
  /** Root of the proxy's guest. */
  readonly root: string;
  readonly scp: ScpClient;
  /** Linked clones of a new snapshot. */
  attach(...slots: Slot[]): Promise<readonly AttachedDisk[]>;
  /** The stopped server's disk itself. */
  attachLive(slot: Slot): Promise<AttachedDisk>;
  detach(...disks: readonly AttachedDisk[]): Promise<void>;
  /** The same disk again, after it was detached. */
  attachAgain(disk: AttachedDisk): Promise<void>;
  /** Powers the proxy off. */
  powerOff(): Promise<void>;
  liveBytes(slot: Slot): Promise<Buffer>;
}

export async function serveProxy(args: readonly string[]): Promise<ServedProxy> {
  await using open = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'backlot-served-'));
  open.defer(() => rmSync(folder, { recursive: true }));
  const inventory = join(folder, 'cluster.json');
  writeFileSync(inventory, JSON.stringify({ servers: [source(), proxy()] }));
  const serve = await startServe(['--inventory', inventory, '--clock', 'x100', ...args]);
  open.defer(async () => void (await serve.stop()));
  const { scp: baseUrl, caFile, accessKey, secretKey, guestDir } = serve.ready;
  const transport = createUndiciTransport({ baseUrl, ca: readFileSync(caFile, 'utf8') });
  open.defer(() => transport.close());
  const clock = createWallClock();
  const credentials = { kind: 'ec2', accessKey, secretKey } as const;
  const scp = createScpClient({ transport, credentials, clock, ids: createRandomIds() });
  const root = join(guestDir, PROXY);
  const task = (started: { taskId: string }) => scp.waitForTask(started.taskId, { timeoutMs: 60_000 });
  const idOf = async (name: string): Promise<string> => (await scp.serversNamed(name))[0]?.id ?? '';
  const diskIdOf = async (slot: Slot): Promise<string> => {
    const { disks } = await scp.serverConfiguration(await idOf(SOURCE));
    return disks.find(({ deviceId }) => deviceId === slot)?.diskId ?? '';
  };
  const lease = async (type: 'backup' | 'restore') =>
    task(await scp.createBackupResource({ serverId: await idOf(SOURCE), type, lockTimeSeconds: 7200 }));
  const describe = (id: string, content: Buffer): AttachedDisk => {
    const serial = guestDiskSerial(id);
    return { id, serial, path: join(root, 'dev/disk/by-id', `virtio-${serial}`), content };
  };
  const bytes = async (path: string): Promise<Buffer> => {
    const answer = await fetch(`${serve.ready.control}/_backlot/v1/worlds/default/servers/${SOURCE}/${path}`);
    return Buffer.from(await answer.arrayBuffer());
  };
  /** A guest sees a disk some time after its task has ended. */
  const seen = async (count: number): Promise<void> => {
    for (;;) {
      const answer = await fetch(`${serve.ready.control}/_backlot/v1/worlds/default/guests`);
      const [guest] = (await answer.json()) as { devices: readonly unknown[] }[];
      if (guest?.devices.length === count) return;
    }
  };
  const addLive = async (diskId: string): Promise<void> => {
    const request = { diskId, purpose: 'restore', sourceServerId: await idOf(SOURCE) } as const;
    await task(await scp.hotAddDisks(await idOf(PROXY), [request]));
    await seen(1);
  };
  const opened = open.move();
  return {
    serve: { ...serve, guestDir },
    root,
    scp,
    async attach(...slots) {
      const sourceServerId = await idOf(SOURCE);
      const made = await scp.createSnapshot(sourceServerId, { name: 'one', description: '' });
      await task(made);
      await lease('backup');
      const { snapshotId = '' } = made;
      const wanted = await Promise.all(
        slots.map(async (slot) => ({ slot, diskId: await diskIdOf(slot), purpose: 'backup' as const })),
      );
      await task(
        await scp.hotAddDisks(
          await idOf(PROXY),
          wanted.map(({ diskId, purpose }) => ({ diskId, purpose, snapshotId, sourceServerId })),
        ),
      );
      await seen(slots.length);
      return Promise.all(
        wanted.map(async ({ slot, diskId }) =>
          describe(
            diskId,
            await bytes(`snapshots/${snapshotId}/disks/${slot}/read?offset=0&length=${DISKS[slot]}`),
          ),
        ),
      );
    },
    async attachLive(slot) {
      const sourceServerId = await idOf(SOURCE);
      await task(await scp.stopServer(sourceServerId));
      await lease('restore');
      const diskId = await diskIdOf(slot);
      await addLive(diskId);
      return describe(diskId, await bytes(`disks/${slot}/read?offset=0&length=${DISKS[slot]}`));
    },
    async detach(...disks) {
      await task(
        await scp.hotRemoveDisks(
          await idOf(PROXY),
          disks.map(({ id }) => id),
        ),
      );
    },
    powerOff: async () => void (await task(await scp.stopServer(await idOf(PROXY)))),
    attachAgain: ({ id }) => addLive(id),
    liveBytes: (slot) => bytes(`disks/${slot}/read?offset=0&length=${DISKS[slot]}`),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function source() {
  const content = { kind: 'synthetic', allocatedRatio: 0.5, runBytes: 256 * 1024 };
  return {
    name: SOURCE,
    isRunning: true,
    disks: Object.entries(DISKS).map(([deviceId, sizeBytes]) => ({ deviceId, sizeBytes, content })),
  };
}

function proxy() {
  return { name: PROXY, osName: 'Backup Proxy', isRunning: true, vmtools: 1, disks: ['1GiB'] };
}

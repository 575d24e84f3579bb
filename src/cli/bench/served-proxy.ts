/** A `backlot serve` beside the bench with a server, `bench`, a proxy in whose guest its disk can be, and NBDSSL. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GuestLevel } from '../../../simulator/guest/levels/guest-level.ts';
import { guestDiskSerial, nbdExportName } from '../../contract/assumed.ts';
import type { GuestBlockDevice, OpenDisk, ProxyAgent } from '../../engine/proxy-agent.ts';
import { sleep } from '../../kernel/clock.ts';
import { connectNbd } from '../../nbd/client/connect-nbd.ts';
import { connectGuestChannel } from '../../runtime/guest-channel-agent.ts';
import { connectGuestFolder } from '../../runtime/guest-folder-agent.ts';
import { dialTcp } from '../../runtime/nbd-dial.ts';
import { createRandomIds } from '../../runtime/random-ids.ts';
import { createUndiciTransport } from '../../runtime/undici-transport.ts';
import { createWallClock } from '../../runtime/wall-clock.ts';
import type { ScpClient } from '../../sdk/scp-client-api.ts';
import { createScpClient } from '../../sdk/scp-client.ts';
import { lockNewSnapshot, type ServeChild, startServe } from './serve-child.ts';

const PROXY = 'backup-proxy-1';
const NEVER = new AbortController().signal;
/** Between two looks into the guest. */
const LOOK_MS = 1;
const PATIENCE_MS = 60_000;
/** As the engine has by default. */
const CONNECTIONS = 2;

export interface AttachedDisk {
  readonly disk: OpenDisk;
  /** From the call until the guest shows the disk, and opening it. */
  readonly attachMs: number;
  /** Resolves to the milliseconds until the guest does not show it any more. */
  detach(): Promise<number>;
}

export interface ServedProxy extends AsyncDisposable {
  attach(): Promise<AttachedDisk>;
  /** The same snapshot by way of the host's NBD service over TLS. */
  readonly nbdssl: OpenDisk;
}

export async function serveProxy(
  level: GuestLevel,
  folder: string,
  sizeBytes: number,
  more: readonly string[] = [],
): Promise<ServedProxy> {
  await using open = new AsyncDisposableStack();
  const inventory = writeProxyInventory(folder, sizeBytes);
  // Tasks end at once, leases last.
  const args = ['--clock', 'virtual', '--guest', level, '--inventory', inventory, ...more];
  const serve = open.use(await startServe(...args));
  const { scp: baseUrl, caFile, accessKey, secretKey } = serve.ready;
  const transport = createUndiciTransport({ baseUrl, ca: readFileSync(caFile, 'utf8') });
  open.defer(() => transport.close());
  const clock = createWallClock();
  const credentials = { kind: 'ec2', accessKey, secretKey } as const;
  const client = createScpClient({ transport, credentials, clock, ids: createRandomIds() });
  const locked = await lockNewSnapshot(client);
  const nbdssl = await connectOverTls(serve, client, locked.resourceId);
  open.defer(() => nbdssl.close());
  const proxy = new BenchProxy(serve, client, locked.snapshotId, level);
  open.defer(() => proxy.close());
  const opened = open.move();
  return { nbdssl, attach: () => proxy.attach(), [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function connectOverTls(serve: ServeChild, client: ScpClient, resourceId: string): Promise<OpenDisk> {
  const lines = (await client.backupResource(resourceId)).caCert.match(/.{1,64}/g)?.join('\n') ?? '';
  const ca = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  const { hostname: host, port } = new URL(serve.ready.nbd);
  const exportName = nbdExportName(resourceId, 'ide0');
  return connectNbd(
    { dial: dialTcp(host, Number(port)), exportName, connections: CONNECTIONS, tls: { ca, host } },
    createWallClock(),
  );
}

class BenchProxy {
  readonly #serve: ServeChild;
  readonly #client: ScpClient;
  readonly #snapshotId: string;
  readonly #level: GuestLevel;
  readonly #clock = createWallClock();
  #agent: ProxyAgent | undefined;

  constructor(serve: ServeChild, client: ScpClient, snapshotId: string, level: GuestLevel) {
    this.#serve = serve;
    this.#client = client;
    this.#snapshotId = snapshotId;
    this.#level = level;
  }

  async attach(): Promise<AttachedDisk> {
    const source = await this.#idOf('bench');
    const proxy = await this.#idOf(PROXY);
    const { disks } = await this.#client.serverConfiguration(source);
    const diskId = disks[0]?.diskId ?? '';
    const serial = guestDiskSerial(diskId);
    const request = {
      diskId,
      purpose: 'backup',
      snapshotId: this.#snapshotId,
      sourceServerId: source,
    } as const;
    const begunAt = performance.now();
    const added = await this.#client.hotAddDisks(proxy, [request]);
    const name = await this.#seen(serial, (found) => found);
    const agent = await this.#connect();
    const disk = await agent.open(name ?? '', { write: false, signal: NEVER });
    const attachMs = performance.now() - begunAt;
    await this.#end(added.taskId);
    const detach = async (): Promise<number> => {
      await disk.close();
      const startedAt = performance.now();
      const removed = await this.#client.hotRemoveDisks(proxy, [diskId]);
      await this.#seen(serial, (found) => (found === undefined ? 'gone' : undefined));
      const detachMs = performance.now() - startedAt;
      await this.#end(removed.taskId);
      return detachMs;
    };
    return { disk, attachMs, detach };
  }

  close(): Promise<void> {
    return this.#agent?.close() ?? Promise.resolve();
  }

  /** The guest may be ahead of the task, and a proxy takes one task at a time. */
  async #end(taskId: string): Promise<void> {
    await this.#client.waitForTask(taskId, { timeoutMs: PATIENCE_MS });
  }

  async #idOf(name: string): Promise<string> {
    const [server] = await this.#client.serversNamed(name);
    if (server === undefined) throw new Error(`the bench inventory has no ${name}`);
    return server.id;
  }

  /** A proxy that is a machine of its own boots when it is needed first; its agent answers when it has. */
  async #connect(): Promise<ProxyAgent> {
    if (this.#agent !== undefined) return this.#agent;
    const folder = this.#serve.ready.guestDir;
    const connect =
      this.#level === 'qemu'
        ? connectGuestChannel({ guestDir: folder })
        : connectGuestFolder({ folder, clock: this.#clock });
    this.#agent = await connect({ id: await this.#idOf(PROXY), name: PROXY }, NEVER);
    return this.#agent;
  }

  /** Looks into the guest until `judge` has an answer to the name under which it shows a serial. */
  async #seen<T>(serial: string, judge: (name: string | undefined) => T | undefined): Promise<T> {
    for (const giveUpAt = performance.now() + PATIENCE_MS; performance.now() < giveUpAt; ) {
      const devices = await this.#devices();
      const answer = devices && judge(devices.find((device) => device.serial === serial)?.name);
      if (answer !== undefined) return answer;
      await sleep(this.#clock, LOOK_MS);
    }
    throw new Error(`the guest of ${PROXY} does not follow what was added or removed`);
  }

  /** `undefined` while the guest does not answer. */
  async #devices(): Promise<readonly GuestBlockDevice[] | undefined> {
    try {
      return await (await this.#connect()).devices(NEVER);
    } catch {
      return undefined;
    }
  }
}

function writeProxyInventory(folder: string, sizeBytes: number): string {
  const file = join(folder, 'proxies.json');
  const content = { kind: 'synthetic', allocatedRatio: 1, runBytes: 2 ** 30 };
  const servers = [
    { name: 'bench', disks: [{ deviceId: 'ide0', sizeBytes, content }] },
    { name: PROXY, osName: 'Backup Proxy', isRunning: true, vmtools: 1, disks: ['1GiB'] },
  ];
  writeFileSync(file, JSON.stringify({ servers }));
  return file;
}

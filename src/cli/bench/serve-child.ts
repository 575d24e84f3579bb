/** A `backlot serve` beside the bench, with one disk of a known size ready to be read over NBD. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nbdExportName } from '../../contract/assumed.ts';
import { createScpClient } from '../../sdk/scp-client.ts';
import type { ScpClient } from '../../sdk/scp-client-api.ts';
import { createRandomIds } from '../../runtime/random-ids.ts';
import { createUndiciTransport } from '../../runtime/undici-transport.ts';
import { createWallClock } from '../../runtime/wall-clock.ts';
import { firstLine, start } from './child.ts';

export interface ReadyLine {
  readonly scp: string;
  readonly nbd: string;
  readonly control: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly caFile: string;
  readonly world: string;
  readonly guestDir: string;
}

export interface ServeChild extends AsyncDisposable {
  readonly pid: number;
  readonly ready: ReadyLine;
  readonly folder: string;
  /** From the start of the process to its ready line. */
  readonly readyMs: number;
}

/** The script that runs now: `serve` is started from it too, be it a source or a build. */
export const MAIN = process.argv[1] ?? '';

export async function startServe(...args: string[]): Promise<ServeChild> {
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  const startedAt = performance.now();
  const child = start(process.execPath, [MAIN, 'serve', '--json', ...args]);
  const ready = JSON.parse(await firstLine(child)) as ReadyLine;
  const readyMs = performance.now() - startedAt;
  return {
    pid: child.process.pid ?? 0,
    ready,
    folder,
    readyMs,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An inventory of one server, `bench`, whose only disk is full of synthetic data. */
export function writeInventory(folder: string, sizeBytes: number): string {
  const file = join(folder, 'inventory.json');
  const content = { kind: 'synthetic', allocatedRatio: 1, runBytes: 2 ** 30 };
  const disks = [{ deviceId: 'ide0', sizeBytes, content }];
  writeFileSync(file, JSON.stringify({ servers: [{ name: 'bench', disks }] }));
  return file;
}

/** A new snapshot of `bench` and a backup resource on it. Returns the NBD export and the folder with the CA for TLS peers. */
export async function openExport(serve: ServeChild): Promise<{ exportName: string; tlsFolder: string }> {
  const { scp, accessKey, secretKey, caFile } = serve.ready;
  const clock = createWallClock();
  const transport = createUndiciTransport({ baseUrl: scp, ca: readFileSync(caFile, 'utf8') });
  const client = createScpClient({
    transport,
    credentials: { kind: 'ec2', accessKey, secretKey },
    clock,
    ids: createRandomIds(),
  });
  try {
    const { resourceId } = await lockNewSnapshot(client);
    const certificate = (await client.backupResource(resourceId)).caCert.match(/.{1,64}/g)?.join('\n') ?? '';
    writeFileSync(
      join(serve.folder, 'ca-cert.pem'),
      `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    );
    return { exportName: nbdExportName(resourceId, 'ide0'), tlsFolder: serve.folder };
  } finally {
    await transport.close();
  }
}

export interface LockedSnapshot {
  readonly snapshotId: string;
  readonly resourceId: string;
}

/** A new snapshot of `bench` and a backup resource on it. */
export async function lockNewSnapshot(client: ScpClient): Promise<LockedSnapshot> {
  const [server] = await client.serversNamed('bench');
  if (server === undefined) throw new Error('the bench inventory has no server');
  const snapshot = await client.createSnapshot(server.id, {
    name: 'bench',
    description: 'made by backlot bench',
  });
  await client.waitForTask(snapshot.taskId, { timeoutMs: 60_000 });
  const resource = await client.createBackupResource({
    serverId: server.id,
    type: 'backup',
    lockTimeSeconds: 7200,
  });
  await client.waitForTask(resource.taskId, { timeoutMs: 60_000 });
  if (snapshot.snapshotId === undefined) throw new Error('the platform does not name its new snapshot');
  return { snapshotId: snapshot.snapshotId, resourceId: resource.resourceId };
}

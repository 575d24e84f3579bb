/** A world in a simulator, and the way of a backup product to its data: snapshot, backup resource, NBD. */
import { createSimulator, type ListenableSimulator } from '../../../simulator/app/simulator.ts';
import type { HostedWorld, WorldSpec } from '../../../simulator/app/simulator-api.ts';
import type { BackupResource, Server } from '../../../simulator/domain/world-api.ts';
import { DEFAULT_NBD_PORT, nbdExportName } from '../../../src/contract/assumed.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { connectNbd } from '../../../src/nbd/client/connect-nbd.ts';
import type { NbdClient, NbdClientOptions } from '../../../src/nbd/client/nbd-client-api.ts';

export interface Session {
  readonly simulator: ListenableSimulator;
  readonly clock: VirtualClock;
  readonly hosted: HostedWorld;
  readonly server: Server;
  /** Snapshot and running backup resource of the server. */
  lock(): Promise<BackupResource>;
  hostIp(resource: BackupResource): string;
  connect(resource: BackupResource, options?: Partial<NbdClientOptions>): Promise<NbdClient>;
  /** As `connect`, over TLS with the CA that the resource's cluster has. */
  connectTls(resource: BackupResource, options?: Partial<NbdClientOptions>): Promise<NbdClient>;
}

export async function openSession(
  spec: Partial<WorldSpec> = {},
  simulator?: ListenableSimulator,
): Promise<Session> {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  const home = simulator ?? (await createSimulator());
  const hosted = await home.createWorld({ seed: 'session', clock, inventory: 'tiny', ...spec });
  const { world } = hosted;
  const [server] = world.servers.list();
  if (server === undefined) throw new Error('the preset has no server');
  const hostIp = (resource: BackupResource): string =>
    world.hosts.find(({ id }) => id === resource.hostId)?.ip ?? '';
  const connect = (resource: BackupResource, options: Partial<NbdClientOptions> = {}) =>
    clock.run(
      connectNbd(
        {
          dial: (signal) => home.dialNbd(hostIp(resource), DEFAULT_NBD_PORT, signal),
          exportName: nbdExportName(resource.id, 'ide0'),
          ...options,
        },
        clock,
      ),
    );
  return {
    simulator: home,
    clock,
    hosted,
    server,
    hostIp,
    connect,
    connectTls: (resource, options) =>
      connect(resource, {
        tls: { ca: hosted.caPem(resource.clusterId), host: hostIp(resource) },
        ...options,
      }),
    async lock() {
      world.snapshots.create(server.id, { name: 'one', description: '' }, 'test');
      await clock.advanceBy(60_000);
      const made = world.backupResources.create(
        { serverId: server.id, type: 'backup', lockTimeSeconds: 600 },
        'test',
      );
      await clock.advanceBy(10_000);
      return world.backupResources.get(made.resourceId);
    },
  };
}

import { describe, expect, it } from 'vitest';
import type { ServerConfig } from '../../../simulator/domain/world-api.ts';
import { codeOf } from './refusal.ts';
import {
  DISK,
  GRAIN,
  SERVER,
  START_MS,
  type SmallWorld,
  emptyDisk,
  finish,
  serverSpec,
  smallWorld,
} from './small-world.ts';

const stopped = (): SmallWorld => smallWorld([serverSpec({ isRunning: false })]);

function config(more: Partial<ServerConfig> = {}): ServerConfig {
  return {
    poolId: 'pool-1',
    name: 'restored',
    description: 'from a backup',
    datastoreId: 'store-2',
    sockets: 2,
    coresPerSocket: 4,
    memoryMb: 4096,
    osKernel: 'windows',
    osDistribution: 'server-2022',
    disks: [{ deviceId: 'ide0', sizeBytes: 3 * GRAIN + 5, preallocate: 'off' }],
    networks: [
      { vifId: 'net0', macAddress: 'fe:fc:fe:00:00:01', ipAddress: '', name: '' },
      { vifId: 'net1', macAddress: '', ipAddress: '', name: '' },
    ],
    raw: { name: 'restored' },
    ...more,
  };
}

describe('finding a server', () => {
  it('goes by id or by unique name', () => {
    const { servers } = smallWorld([
      serverSpec(),
      serverSpec({ id: 'b', name: 'twin' }),
      serverSpec({ id: 'c', name: 'twin' }),
    ]).world;
    expect(servers.find(SERVER).name).toBe('erp-01');
    expect(servers.find('erp-01').id).toBe(SERVER);
    expect(codeOf(() => servers.find('twin'))).toBe('NOT_FOUND');
    expect(codeOf(() => servers.find('nobody'))).toBe('NOT_FOUND');
    expect(codeOf(() => servers.get('erp-01'))).toBe('NOT_FOUND');
    expect(servers.list().map((server) => server.id)).toEqual([SERVER, 'b', 'c']);
  });
});

describe('power', () => {
  it('passes through starting and stopping', async () => {
    const small = stopped();
    const { servers } = small.world;
    const start = servers.start(SERVER, 'me');
    expect(servers.get(SERVER).status).toBe('starting');
    await finish(small, start);
    expect(servers.get(SERVER)).toMatchObject({ status: 'running', startedAtMs: small.clock.now() });
    const stop = servers.stop(SERVER, { force: false }, 'me');
    expect(servers.get(SERVER).status).toBe('stopping');
    await finish(small, stop);
    expect(servers.get(SERVER).status).toBe('stopped');
    expect(servers.get(SERVER).startedAtMs).toBeUndefined();
  });

  it('is refused from the wrong state', () => {
    expect(codeOf(() => smallWorld().world.servers.start(SERVER, 'me'))).toBe('SERVER_STATE');
    expect(codeOf(() => stopped().world.servers.stop(SERVER, { force: true }, 'me'))).toBe('SERVER_STATE');
  });

  it('may change under a backup, which reads a snapshot', async () => {
    const small = smallWorld();
    await finish(small, small.world.snapshots.create(SERVER, { name: 's', description: '' }, 'me'));
    const request = { serverId: SERVER, type: 'backup', lockTimeSeconds: 60 } as const;
    await finish(small, small.world.backupResources.create(request, 'me'));
    expect(await finish(small, small.world.servers.stop(SERVER, { force: true }, 'me'))).toMatchObject({
      status: 'finish',
    });
    expect(await finish(small, small.world.servers.start(SERVER, 'me'))).toMatchObject({ status: 'finish' });
  });
});

describe('creating a server from a configuration', () => {
  it('gives one that is off and empty, on a host that reaches its datastore, when the task ends', async () => {
    const small = smallWorld();
    const { servers, guest } = small.world;
    const made = servers.createFromConfig(config(), 'me');
    expect(codeOf(() => servers.get(made.serverId))).toBe('NOT_FOUND');
    await finish(small, made);
    const server = servers.get(made.serverId);
    expect(server).toMatchObject({
      name: 'restored',
      status: 'stopped',
      hostId: 'host-b',
      poolId: 'pool-1',
      createdFrom: { name: 'restored' },
      isRestoreIncomplete: false,
    });
    expect(server.vmId).toMatch(/^\d{13}$/);
    expect(server.disks[0]).toMatchObject({ deviceId: 'ide0', sizeBytes: 3 * GRAIN + 5, allocatedBytes: 0 });
    const read = await guest.read(made.serverId, 'ide0', 0, 3 * GRAIN + 5);
    expect(read.every((byte) => byte === 0)).toBe(true);
  });

  it('keeps the MAC addresses that are given and makes up the others', async () => {
    const small = smallWorld();
    const made = small.world.servers.createFromConfig(config(), 'me');
    await finish(small, made);
    const [kept, drawn] = small.world.servers.get(made.serverId).networks;
    expect(kept?.macAddress).toBe('fe:fc:fe:00:00:01');
    expect(drawn?.macAddress).toMatch(/^fe:fc:fe(:[0-9a-f]{2}){3}$/);
  });

  it('takes the wished host when it reaches the datastore', async () => {
    const small = smallWorld();
    for (const [wished, taken] of [
      ['host-c', 'host-c'],
      ['host-a', 'host-b'],
    ] as const) {
      const made = small.world.servers.createFromConfig(config({ hostId: wished }), 'me');
      await finish(small, made);
      expect(small.world.servers.get(made.serverId).hostId).toBe(taken);
    }
  });

  const disk = { deviceId: 'ide0', sizeBytes: GRAIN, preallocate: 'off' } as const;
  it.each<[string, string, Partial<ServerConfig>]>([
    ['INVALID_PARAMETER', 'an unknown pool', { poolId: 'x' }],
    ['INVALID_PARAMETER', 'an unknown datastore', { datastoreId: 'x' }],
    ['INVALID_PARAMETER', 'no name', { name: '' }],
    ['INVALID_PARAMETER', 'two disks of one id', { disks: [disk, disk] }],
    ['INVALID_PARAMETER', 'a disk without size', { disks: [{ ...disk, sizeBytes: 0 }] }],
    ['INVALID_PARAMETER', 'a disk beyond 64 TiB', { disks: [{ ...disk, sizeBytes: 2 ** 46 + 1 }] }],
    [
      'NO_SPACE',
      'a full disk beyond the datastore',
      { disks: [{ ...disk, preallocate: 'full', sizeBytes: 2 ** 40 }] },
    ],
  ])('refuses with %s %s', (code, _, more) => {
    expect(codeOf(() => smallWorld().world.servers.createFromConfig(config(more), 'me'))).toBe(code);
  });

  it('finds no host while the datastore is offline', () => {
    const { world } = smallWorld();
    world.setDatastoreOnline('store-2', false);
    expect(codeOf(() => world.servers.createFromConfig(config(), 'me'))).toBe('NO_HOST');
  });
});

describe('editing and deleting a server', () => {
  it('changes what is given, when the task ends', async () => {
    const small = smallWorld();
    const { servers } = small.world;
    const edit = servers.edit(SERVER, { osName: 'Backup Proxy' }, 'me');
    expect(servers.get(SERVER).osName).toBe('');
    await finish(small, edit);
    expect(servers.get(SERVER)).toMatchObject({ name: 'erp-01', osName: 'Backup Proxy' });
    expect(codeOf(() => servers.edit(SERVER, { name: '' }, 'me'))).toBe('INVALID_PARAMETER');
  });

  it('removes a server that is off, with its snapshots', async () => {
    const small = stopped();
    const { servers, snapshots } = small.world;
    await finish(small, snapshots.create(SERVER, { name: 's', description: '' }, 'me'));
    await finish(small, servers.delete(SERVER, 'me'));
    expect(servers.list()).toEqual([]);
    expect(codeOf(() => snapshots.list(SERVER))).toBe('NOT_FOUND');
  });

  it('refuses to remove one that runs', () => {
    expect(codeOf(() => smallWorld().world.servers.delete(SERVER, 'me'))).toBe('SERVER_STATE');
  });
});

describe('the space of a datastore', () => {
  it('counts allocated blocks, and preallocated disks in full', () => {
    const disks = [
      emptyDisk(DISK, 64 * 2 ** 20),
      emptyDisk('ide1', 32 * 2 ** 20, { preallocate: 'full', datastoreId: 'store-2' }),
    ];
    const { world } = smallWorld([serverSpec({ disks })]);
    const used = (): number[] => world.datastores.map((store) => store.usedMb);
    expect(used()).toEqual([0, 32]);
    world.guest.writeSynthetic(SERVER, DISK, 0, 16 * 10);
    expect(used()).toEqual([10, 32]);
  });

  it('is free of a server from the instant of its removal on, also before the world has woken', async () => {
    const disks = [emptyDisk(DISK, 32 * 2 ** 20, { preallocate: 'full' })];
    const { world, clock, journal } = smallWorld([serverSpec({ disks, isRunning: false })], {
      settings: { taskMs: { 'server.delete': 700 } as never },
    });
    const isGone = (): boolean =>
      journal.entries.some((entry) => entry.type === 'state' && entry.to === 'deleted');
    const seen: unknown[] = [];
    // Timers of one instant fire in the order they were set in: this one comes before the world's.
    clock.setTimer(START_MS + 700, () => seen.push(isGone(), world.datastores[0]?.usedMb, isGone()));
    world.servers.delete(SERVER, 'me');
    await clock.advanceBy(699);
    expect(world.datastores[0]?.usedMb).toBe(32);
    await clock.advanceBy(1);
    expect(seen).toEqual([false, 0, true]);
  });
});

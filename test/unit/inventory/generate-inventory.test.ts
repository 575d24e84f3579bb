import { describe, expect, it } from 'vitest';
import type { InventorySpec } from '../../../simulator/domain/inventory.ts';
import { generateInventory } from '../../../simulator/inventory/generate-inventory.ts';

const disksOf = (inventory: InventorySpec) => inventory.servers.flatMap((server) => server.disks);

const proxiesOf = (inventory: InventorySpec) =>
  inventory.servers.filter(({ osName }) => osName === 'Backup Proxy');

function expectSound(inventory: InventorySpec): void {
  const lists = [
    inventory.hosts,
    inventory.datastores,
    inventory.servers,
    inventory.clusters,
    inventory.pools,
  ];
  for (const list of lists) {
    expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
    expect(new Set(list.map(({ name }) => name)).size).toBe(list.length);
  }
  expect(new Set(inventory.hosts.map(({ ip }) => ip)).size).toBe(inventory.hosts.length);
  const datastores = new Map(inventory.datastores.map((datastore) => [datastore.id, datastore]));
  for (const server of inventory.servers)
    for (const disk of server.disks)
      expect(datastores.get(disk.datastoreId)?.hostIds, `${server.name} ${disk.deviceId}`).toContain(
        server.hostId,
      );
}

describe('generateInventory', () => {
  it.each(['tiny', 'lab', 'datacenter'] as const)(
    'gives the same %s inventory for the same seed',
    (preset) => {
      expect(generateInventory(preset, 'one')).toEqual(generateInventory(preset, 'one'));
    },
  );

  it('gives other ids, names and addresses for another seed', () => {
    const one = generateInventory('tiny', 'one');
    const two = generateInventory('tiny', 'two');
    const ids = new Set(one.servers.map(({ id }) => id));
    expect(two.servers.some(({ id }) => ids.has(id))).toBe(false);
    expect(two.hosts[0]?.ip).not.toBe(one.hosts[0]?.ip);
    expect(two.credentials[0]?.accessKey).not.toBe(one.credentials[0]?.accessKey);
  });

  it.each(['a', 'b', 'c', 'd'])(
    'holds together: unique ids, disks on datastores that the host reaches (%s)',
    (seed) => {
      expectSound(generateInventory('tiny', seed));
      expectSound(generateInventory('lab', seed));
    },
  );

  it('makes tiny: one cluster, two hosts, servers with several disks, two proxies, a disk that ends inside a block', () => {
    const inventory = generateInventory('tiny', 'backlot');
    expect(inventory.clusters).toHaveLength(1);
    expect(inventory.hosts).toHaveLength(2);
    expect(proxiesOf(inventory).map(({ isRunning }) => isRunning)).toEqual([true, false]);
    expect(inventory.servers[0]?.disks.length).toBeGreaterThanOrEqual(3);
    expect(disksOf(inventory).some(({ sizeBytes }) => sizeBytes % 65_536 !== 0)).toBe(true);
    expect(disksOf(inventory).every(({ sizeBytes }) => sizeBytes % 512 === 0)).toBe(true);
  });

  it('makes lab: two clusters, datastores that only some hosts reach', () => {
    const inventory = generateInventory('lab', 'backlot');
    expect(inventory.clusters).toHaveLength(2);
    const hostsPerCluster = inventory.hosts.length / 2;
    expect(inventory.datastores.some(({ hostIds }) => hostIds.length < hostsPerCluster)).toBe(true);
    expect(inventory.datastores.some(({ hostIds }) => hostIds.length === hostsPerCluster)).toBe(true);
  });

  it.each(['tiny', 'lab', 'datacenter'] as const)(
    'has a proxy in reach of every datastore of %s, and datastores that not every proxy of the cluster reaches',
    (preset) => {
      const inventory = generateInventory(preset, 'backlot');
      const proxies = proxiesOf(inventory);
      const reach = inventory.datastores.map(
        ({ hostIds }) => proxies.filter(({ hostId }) => hostIds.includes(hostId)).length,
      );
      const perCluster = proxies.length / inventory.clusters.length;
      expect(Math.min(...reach)).toBe(1);
      expect(Math.max(...reach)).toBe(perCluster);
      expect(perCluster).toBeGreaterThanOrEqual(2);
      expect(proxies.every(({ vmtools }) => vmtools === 1)).toBe(true);
    },
  );

  it('makes datacenter: ten thousand servers that hold together', () => {
    const inventory = generateInventory('datacenter', 'backlot');
    expect(inventory.servers).toHaveLength(10_000);
    expectSound(inventory);
  });

  it('gives hosts addresses of their own in 127.0.0.0/8, away from those that systems use', () => {
    for (const { ip } of generateInventory('datacenter', 'backlot').hosts) {
      const parts = ip.split('.').map(Number);
      expect(parts[0]).toBe(127);
      expect(parts[1]).toBeGreaterThan(0);
      expect(parts[3]).toBeGreaterThan(0);
      expect(parts[3]).toBeLessThan(255);
    }
  });

  it('gives MAC addresses that belong to one station', () => {
    for (const { networks } of generateInventory('lab', 'backlot').servers)
      for (const { macAddress } of networks) expect(macAddress).toMatch(/^02(:[0-9a-f]{2}){5}$/);
  });
});

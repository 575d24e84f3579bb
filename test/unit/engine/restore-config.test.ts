import { expect, it } from 'vitest';
import { buildServerConfig } from '../../../src/engine/restore-config.ts';
import type { PointInfo } from '../../../src/repository/repository-api.ts';

const POINT: PointInfo = {
  id: 'p',
  serverId: 'v',
  serverName: 'erp-01',
  createdAtMs: 0,
  kind: 'full',
  disks: [{ deviceId: 'ide0', sizeBytes: 3 * 2 ** 30 + 512 }],
  engine: {},
};
const VMCONF = {
  name: 'erp-01',
  host_id: 'host-1',
  datastore_id: 'gone',
  logo: '3',
  os_option: { arch: 'amd64' },
  advanced_option: { ha_enabled: true, uuid: { enable: true, uuid: 'u-1' } },
  hardware_option: {
    cpu: { sockets: 2, cores: 4 },
    memory: { size_gb: 8, huge_page_enabled: true },
    disks: [{ device_id: 'ide0', size_gb: 3, adapter_type: 'VIRTIO' }],
    network_adapters: [{ vif_id: 'net0', mac_address: 'fe:fc:fe:00:00:01', connected: true }],
  },
};
const datastore = { id: 'ds', name: 'ds', poolId: 'pool', status: 'ok', hostIds: ['h'], freeMb: 1 };

const build = (isCopy: boolean) =>
  buildServerConfig({ vmconf: VMCONF, name: 'new', description: 'marked', datastore, point: POINT, isCopy });

it('keeps what was backed up and states place, name and exact sizes anew', () => {
  expect(build(false)).toEqual({
    name: 'new',
    description: 'marked',
    az_id: 'pool',
    host_id: 'cluster',
    datastore_id: 'ds',
    logo: 3,
    os_option: { arch: 'amd64' },
    advanced_option: VMCONF.advanced_option,
    hardware_option: {
      cpu: { sockets: 2, cores: 4 },
      memory: { size_gb: 8, hugepage_enabled: true },
      disks: [{ device_id: 'ide0', size_gb: (3 * 2 ** 30 + 512) / 2 ** 30, adapter_type: 'VIRTIO' }],
      network_adapters: [{ vif_id: 'net0', mac_address: 'fe:fc:fe:00:00:01', connected: 1 }],
    },
  });
});

it('gives a copy beside its original neither its addresses nor its identity', () => {
  expect(build(true)).toMatchObject({
    advanced_option: { ha_enabled: true },
    hardware_option: { network_adapters: [{ vif_id: 'net0', connected: 0 }] },
  });
  expect(JSON.stringify(build(true))).not.toMatch(/fe:fc|u-1/);
});

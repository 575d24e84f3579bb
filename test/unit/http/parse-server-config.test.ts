import { describe, expect, it } from 'vitest';
import { parseServerConfig } from '../../../simulator/http/handlers/parse-server-config.ts';

type Body = Parameters<typeof parseServerConfig>[0];

const base = {
  az_id: 'pool',
  name: 'restored',
  datastore_id: 'store',
  os_option: { kernel_name: 'linux', distribution_name: 'debian-12' },
  hardware_option: {
    cpu: { sockets: 2, cores: 4 },
    memory: { size_gb: 0.5 },
    disks: [{ device_id: 'ide0', size_gb: 40, format_type: 'METADATA' }],
  },
} as const satisfies Body;

const withDisks = (...disks: object[]): Body => ({
  ...base,
  hardware_option: { ...base.hardware_option, disks },
});

describe('a backed-up configuration', () => {
  it('is read with the names of the snapshot detail', () => {
    expect(parseServerConfig(base)).toMatchObject({
      poolId: 'pool',
      memoryMb: 512,
      sockets: 2,
      coresPerSocket: 4,
      disks: [{ deviceId: 'ide0', sizeBytes: 40 * 2 ** 30, preallocate: 'metadata' }],
    });
  });

  it('is read with the names of the request schema', () => {
    const body = withDisks({ id: 'virtio1', size_mb: 1025, preallocate: 'full' }, { id: 3, size_mb: 2048 });
    expect(parseServerConfig(body).disks).toEqual([
      { deviceId: 'virtio1', sizeBytes: 1025 * 2 ** 20, preallocate: 'full' },
      { deviceId: 'ide3', sizeBytes: 2048 * 2 ** 20, preallocate: 'off' },
    ]);
  });

  it('keeps a size that is no whole number of anything', () => {
    const sizeBytes = 2 ** 30 + 12_345;
    expect(
      parseServerConfig(withDisks({ device_id: 'ide0', size_gb: sizeBytes / 2 ** 30 })).disks[0],
    ).toMatchObject({
      sizeBytes,
    });
  });

  it('runs wherever there is room when the host is "cluster"', () => {
    expect(parseServerConfig({ ...base, host_id: 'cluster' }).hostId).toBeUndefined();
    expect(parseServerConfig({ ...base, host_id: 'host-0c42a1b2c3d4' }).hostId).toBe('host-0c42a1b2c3d4');
  });

  it.each([
    [withDisks({ size_gb: 1 }), 'hardware_option.disks.0.device_id: is required'],
    [withDisks({ device_id: 'ide0' }), 'hardware_option.disks.0.size_gb: must be above 0'],
    [withDisks({ device_id: 'ide0', size_gb: 1 }, { device_id: 'ide0', size_gb: 1 }), 'ide0 is there twice'],
    [withDisks({ device_id: 'ide0', size_gb: 1, format_type: 'THIN' }), 'format_type: must be one of'],
  ])('names what is wrong with it (%#)', (body, message) => {
    expect(() => parseServerConfig(body)).toThrow(message);
  });
});

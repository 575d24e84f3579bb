import { describe, expect, it } from 'vitest';
import { matchDevices, type DeviceQuestion } from '../../../src/engine/match-devices.ts';
import type { GuestBlockDevice } from '../../../src/engine/proxy-agent.ts';

const IDS = ['aaaaaaaa-1111-4aaa-8aaa-000000000001', 'bbbbbbbb-2222-4bbb-8bbb-000000000002'] as const;
const [A, B] = IDS;
const MIB = 1024 * 1024;

const device = (name: string, serial: string, change: Partial<GuestBlockDevice> = {}): GuestBlockDevice => ({
  name,
  serial,
  sizeBytes: MIB,
  isReadOnly: false,
  ...change,
});

const ask = (devices: readonly GuestBlockDevice[], change: Partial<DeviceQuestion> = {}) => {
  const { found, problems } = matchDevices({
    wanted: IDS.map((diskId) => ({ diskId, sizeBytes: MIB })),
    devices,
    otherDiskIds: [],
    mustBeWritable: false,
    ...change,
  });
  return { names: IDS.map((id) => found.get(id)?.name), problems };
};

describe('devices of a guest', () => {
  it('are told apart by the beginning of the disk id, whatever their order and names', () => {
    const { names, problems } = ask([
      device('sdc', B.slice(0, 20)),
      device('vda', ''),
      device('vdb', A.slice(0, 20)),
    ]);
    expect(names).toEqual(['vdb', 'sdc']);
    expect(problems).toEqual([]);
  });

  it('may have a serial that is longer than the id', () => {
    expect(ask([device('vdb', `${A}-1`), device('vdc', B)]).names).toEqual(['vdb', 'vdc']);
  });

  it.each([
    [12, ['vdb', 'vdc']],
    [11, [undefined, undefined]],
  ] as const)('count with a serial of %i characters: %j', (characters, expected) => {
    const devices = [device('vdb', A.slice(0, characters)), device('vdc', B.slice(0, characters))];
    expect(ask(devices).names).toEqual(expected);
  });

  it('that lack a serial are never guessed, not even when there is only one of the right size', () => {
    const { names, problems } = ask([device('vdb', '')]);
    expect(names).toEqual([undefined, undefined]);
    expect(problems[0]).toContain(`${A} has not appeared (the guest shows vdb without serial)`);
  });

  it('of which two have the same serial are both refused', () => {
    const { names, problems } = ask([device('vdb', A), device('vdd', A), device('vdc', B)]);
    expect(names).toEqual([undefined, 'vdc']);
    expect(problems).toEqual([expect.stringContaining('vdb, vdd')]);
  });

  it('that may be one of two wanted disks are refused for both', () => {
    const twins = ['0192f7a0-aaaa-7000-8000-000000000001', '0192f7a0-aaaa-7000-8000-000000000002'];
    const match = matchDevices({
      wanted: twins.map((diskId) => ({ diskId, sizeBytes: MIB })),
      devices: [device('vdb', twins[0]?.slice(0, 20) ?? '')],
      otherDiskIds: [],
      mustBeWritable: false,
    });
    expect(match.found.size).toBe(0);
    expect(match.problems).toHaveLength(2);
  });

  it('that may be a disk of somebody else on the proxy are refused', () => {
    const other = `${A.slice(0, 20)}-another`;
    const { names, problems } = ask([device('vdb', A.slice(0, 20)), device('vdc', B)], {
      otherDiskIds: [other],
    });
    expect(names).toEqual([undefined, 'vdc']);
    expect(problems).toEqual([expect.stringContaining(other)]);
  });

  it('of another size than configured are refused', () => {
    const { names, problems } = ask([device('vdb', A, { sizeBytes: 2 * MIB }), device('vdc', B)]);
    expect(names).toEqual([undefined, 'vdc']);
    expect(problems).toEqual([expect.stringContaining(`configured with ${MIB}`)]);
  });

  it('have whole sectors, also of a disk that ends within one', () => {
    const wanted = [{ diskId: A, sizeBytes: MIB + 1 }];
    expect(ask([device('vdb', A, { sizeBytes: MIB + 512 })], { wanted }).names).toEqual(['vdb', undefined]);
    expect(ask([device('vdb', A, { sizeBytes: MIB })], { wanted }).names).toEqual([undefined, undefined]);
  });

  it('that are read-only serve a backup and not a restore', () => {
    const devices = [device('vdb', A, { isReadOnly: true }), device('vdc', B)];
    expect(ask(devices).names).toEqual(['vdb', 'vdc']);
    const { names, problems } = ask(devices, { mustBeWritable: true });
    expect(names).toEqual([undefined, 'vdc']);
    expect(problems).toEqual([expect.stringContaining('read-only')]);
  });
});

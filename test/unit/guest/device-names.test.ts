import { expect, it } from 'vitest';
import { deviceName, freeDeviceName } from '../../../simulator/guest/device-names.ts';
import { byIdName, proxyFolder, serialOfLink } from '../../../src/kernel/guest-folder.ts';

it.each([
  [0, 'vda'],
  [25, 'vdz'],
  [26, 'vdaa'],
  [27, 'vdab'],
  [701, 'vdzz'],
  [702, 'vdaaa'],
])('device %i is %s', (index, name) => {
  expect(deviceName('vd', index)).toBe(name);
});

it('the next device takes the lowest free name after the machine’s own', () => {
  expect(freeDeviceName('vd', 1, new Set(['vdb', 'vdd']))).toBe('vdc');
  expect(freeDeviceName('sd', 1, new Set(['vdb']))).toBe('sdb');
});

it.each([
  ['vdb', 'abc', 'virtio-abc'],
  ['sdb', 'abc', 'scsi-0QEMU_QEMU_HARDDISK_abc'],
  ['vdb', '', undefined],
])('%s with serial %j is linked as %s', (device, serial, link) => {
  expect(byIdName(device, serial)).toBe(link);
  if (link !== undefined) expect(serialOfLink(link)).toBe(serial);
});

it.each(['virtio-abc-part1', 'ata-abc', 'virtio-'])('%s is no link of a whole disk by its serial', (link) => {
  expect(serialOfLink(link)).toBeUndefined();
});

it.each([
  ['proxy 1', '/g/proxy 1'],
  ['a/../../etc', '/g/a_.._.._etc'],
  ['..', '/g/__'],
  ['.', '/g/_'],
])('the guest of proxy %j has the folder %s', (name, folder) => {
  expect(proxyFolder('/g', name)).toBe(folder);
});

import { expect, it } from 'vitest';
import { runInShell } from '../../../simulator/guest/guest-shell.ts';

const VIEW = {
  devices: [
    { name: 'vda', serial: 'own', sizeBytes: 40 * 2 ** 30, isReadOnly: false },
    { name: 'vdb', serial: 'f0f0-1', sizeBytes: 3 * 2 ** 20 + 2 ** 19, isReadOnly: true },
  ],
};

it.each([
  ['lsblk', 'NAME SIZE RO TYPE\nvda  40G  0  disk\nvdb  3.5M 1  disk\n'],
  ['lsblk -o NAME,SERIAL,SIZE', 'NAME SERIAL SIZE\nvda  own    40G\nvdb  f0f0-1 3.5M\n'],
  ['lsblk -dnb -o serial,size /dev/disk/by-id/virtio-f0f0-1', 'f0f0-1 3670016\n'],
  ['ls /dev', 'vda\nvdb\n'],
  ['ls -l /dev/disk/by-id/', 'virtio-f0f0-1\nvirtio-own\n'],
  ['ls /dev/vdb', '/dev/vdb\n'],
  ['cat /sys/block/vdb/serial', 'f0f0-1'],
  ['cat /sys/block/vda/ro /sys/block/vdb/ro', '0\n1\n'],
  ['cat /sys/block/vdb/size', '7168\n'],
  ['blockdev --getro /dev/vdb', '1\n'],
  [`echo 'a  b' "c" d'e'`, 'a  b c de\n'],
  ['', ''],
  ['  true ', ''],
])('%s', (command, output) => {
  expect(runInShell(VIEW, command)).toEqual({ exitCode: 0, output });
});

it.each([
  ['constructor', 127, 'not found'],
  ['ls /root', 2, 'No such file or directory'],
  ['cat /etc/shadow', 1, 'No such file or directory'],
  ['blockdev --setrw /dev/vdb', 1, 'Unknown command'],
  ['blockdev --getsize64 /dev/vdc', 1, 'cannot open /dev/vdc'],
  ['lsblk -o COLOUR', 1, 'unknown column: COLOUR'],
  ['lsblk /dev/vdz', 32, 'not a block device'],
])('%s fails with %i', (command, exitCode, words) => {
  const result = runInShell(VIEW, command);
  expect(result.exitCode).toBe(exitCode);
  expect(result.output).toContain(words);
});

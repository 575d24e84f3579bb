/** Other people's clients against the server. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listenNbd, type NbdListener } from '../../../simulator/nbd/listen-nbd.ts';
import { defaultNbdLimits } from '../../../simulator/nbd/nbd-limits.ts';
import { silentObserver } from '../../../simulator/nbd/nbd-observer.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { makeFolder, run, runOk } from '../../nbd/peer-process.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';
import { createTestPki } from '../../nbd/test-pki.ts';
import { requirePeers } from '../peers.ts';

const peers = requirePeers(['nbdinfo', 'nbdcopy', 'qemu-img', 'qemu-io', 'qemu-nbd']);
const MIB = 2 ** 20;
const SIZE = 64 * MIB;
const KIB = 1024;

const folder = makeFolder();
const pki = createTestPki(folder.path('pki'));
const foreign = createTestPki(folder.path('foreign-pki'));

/** 8 MiB of data, 24 MiB hole, data, a hole at the end; blocks 1, 2 and 100 are dirty since cp. */
function fillDisk(disk: MemoryDevice): MemoryDevice {
  return disk
    .fill(0, 8 * MIB, 0xa1)
    .fill(32 * MIB, 4 * MIB, 0xc3)
    .fill(63 * MIB, 512 * KIB, 0xd4);
}

const disk = fillDisk(new MemoryDevice({ sizeBytes: SIZE, isReadOnly: true, bitmaps: { cp: [1, 2, 100] } }));
const odd = new MemoryDevice({ sizeBytes: 3 * MIB + 512 * 7, isReadOnly: true }).fill(
  MIB,
  2 * MIB + 512 * 7,
  7,
);
const secret = fillDisk(new MemoryDevice({ sizeBytes: SIZE, isReadOnly: true }));
const writable = new MemoryDevice({ sizeBytes: SIZE });
const slow = fillDisk(new MemoryDevice({ sizeBytes: SIZE, isReadOnly: true, isAsync: true }));

describe.skipIf(!peers.available)('the server', () => {
  let tcp: NbdListener;
  let unix: NbdListener;
  const socket = folder.path('nbd.sock');
  const plain = (name: string): string => `nbd://127.0.0.1:${tcp.port}/${name}`;
  const overUnix = (name: string): string => `nbd+unix:///${name}?socket=${socket}`;
  const overTls = (name: string, trust = pki.folder): string =>
    `nbds://localhost:${tcp.port}/${name}?tls-certificates=${trust}`;
  const inet = (name: string): string =>
    `driver=nbd,server.type=inet,server.host=127.0.0.1,server.port=${tcp.port},export=${name}`;
  const qemuTls = ['--object', `tls-creds-x509,id=tls0,dir=${pki.folder},endpoint=client`];

  beforeAll(async () => {
    const directory = new TestDirectory({ disk, odd, secret, writable, slow }, ['secret']);
    const shared = {
      directory,
      observer: silentObserver,
      limits: defaultNbdLimits,
      clock: createWallClock(),
      secureContext: pki.secureContext,
    };
    tcp = await listenNbd({ ...shared, address: { host: '127.0.0.1', port: 0 } });
    unix = await listenNbd({ ...shared, address: { path: socket } });
  });

  afterAll(async () => {
    await Promise.all([tcp.close(), unix.close()]);
    folder.remove();
  });

  test('tells nbdinfo size, kind and contexts', async () => {
    const info = JSON.parse(await runOk('nbdinfo', '--json', plain('disk')));
    expect(info.exports[0]).toMatchObject({
      'export-name': 'disk',
      'export-size': SIZE,
      is_read_only: true,
      can_multi_conn: true,
      can_df: true,
      contexts: ['base:allocation', 'qemu:dirty-bitmap:cp'],
    });
  });

  test('lists its exports, TLS-only ones only over TLS', async () => {
    const names = async (uri: string): Promise<string[]> => {
      const { exports } = JSON.parse(await runOk('nbdinfo', '--list', '--json', uri));
      return exports.map((entry: { 'export-name': string }) => entry['export-name']);
    };
    expect(await names(plain(''))).toEqual(['disk', 'odd', 'writable', 'slow']);
    expect(await names(overTls(''))).toEqual(['disk', 'odd', 'secret', 'writable', 'slow']);
    expect(await runOk('qemu-nbd', '-L', '-k', socket)).toContain(
      "'qemu:dirty-bitmap:cp'".replaceAll("'", ''),
    );
  });

  test.each(['read-only', 'tls'])('answers nbdinfo --is %s', async (what) => {
    expect((await run('nbdinfo', '--is', what, overTls('disk'))).status).toBe(0);
    expect((await run('nbdinfo', '--is', what, plain('writable'))).status).toBe(2);
  });

  test.each([
    'connect',
    'fua',
    'flush',
    'trim',
    'zero',
    'cache',
    'df',
    'multi-conn',
    'structured-reply',
    'write',
  ])('can %s', async (what) => {
    expect((await run('nbdinfo', '--can', what, plain('writable'))).status).toBe(0);
  });

  test('shows its holes to nbdinfo --map, over TCP, TLS and a unix socket', async () => {
    const expected = [
      { offset: 0, length: 8 * MIB, type: 0, description: 'data' },
      { offset: 8 * MIB, length: 24 * MIB, type: 3, description: 'hole,zero' },
      { offset: 32 * MIB, length: 4 * MIB, type: 0, description: 'data' },
      { offset: 36 * MIB, length: 27 * MIB, type: 3, description: 'hole,zero' },
      { offset: 63 * MIB, length: 512 * KIB, type: 0, description: 'data' },
      { offset: 63 * MIB + 512 * KIB, length: 512 * KIB, type: 3, description: 'hole,zero' },
    ];
    for (const uri of [plain('disk'), overUnix('disk'), overTls('secret')]) {
      expect(JSON.parse(await runOk('nbdinfo', '--map', '--json', uri))).toEqual(expected);
    }
  });

  test('shows its dirty blocks to nbdinfo', async () => {
    const map = JSON.parse(await runOk('nbdinfo', '--map=qemu:dirty-bitmap:cp', '--json', plain('disk')));
    const dirty = map.filter((entry: { type: number }) => entry.type === 1);
    expect(dirty.map((entry: { offset: number; length: number }) => [entry.offset, entry.length])).toEqual([
      [4096, 8192],
      [409600, 4096],
    ]);
    expect((await run('nbdinfo', '--map=qemu:dirty-bitmap:other', plain('disk'))).status).toBe(1);
  });

  test('shows its dirty blocks to qemu-img as areas without data', async () => {
    const options = `${inet('disk')},x-dirty-bitmap=qemu:dirty-bitmap:cp`;
    const map = JSON.parse(await runOk('qemu-img', 'map', '--output=json', '--image-opts', options));
    const dirty = map.filter((entry: { data: boolean }) => !entry.data);
    expect(dirty.map((entry: { start: number; length: number }) => [entry.start, entry.length])).toEqual([
      [4096, 8192],
      [409600, 4096],
    ]);
  });

  test('is copied by nbdcopy, byte for byte, whatever the way', async () => {
    const out = folder.path('copy.raw');
    const ways = [
      [plain('disk')],
      [overUnix('disk')],
      [overTls('secret')],
      [plain('slow')],
      ['-C', '4', '-T', '4', '--request-size=1048576', plain('disk')],
      ['--synchronous', '--no-extents', '-C', '1', plain('disk')],
      ['--no-extents', overTls('disk')],
    ];
    for (const way of ways) {
      await runOk('nbdcopy', ...way, out);
      expect(readFileSync(out).equals(disk.bytes), way.join(' ')).toBe(true);
    }
  });

  test('is copied whole where the size is odd', async () => {
    const out = folder.path('odd.raw');
    await runOk('nbdcopy', plain('odd'), out);
    expect(readFileSync(out).equals(odd.bytes)).toBe(true);
    await runOk('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', plain('odd'), out);
    expect(readFileSync(out).equals(odd.bytes)).toBe(true);
  });

  test('is restored to by nbdcopy', async () => {
    const image = folder.path('in.raw');
    writeFileSync(image, disk.bytes);
    await runOk('nbdcopy', image, plain('writable'));
    expect(writable.bytes.equals(disk.bytes)).toBe(true);
    writable.fill(0, SIZE, 0xee);
    await runOk('nbdcopy', '-S', '0', '--no-extents', image, overTls('writable'));
    expect(writable.bytes.equals(disk.bytes)).toBe(true);
  });

  test('is described by qemu-img, over TCP, a unix socket and TLS', async () => {
    const size = async (...args: string[]): Promise<number> =>
      JSON.parse(await runOk('qemu-img', 'info', '--output=json', ...args))['virtual-size'];
    expect(await size(plain('disk'))).toBe(SIZE);
    expect(await size('--image-opts', inet('disk'))).toBe(SIZE);
    expect(await size('--image-opts', `driver=nbd,server.type=unix,server.path=${socket},export=disk`)).toBe(
      SIZE,
    );
    const secure = `${inet('secret').replace('127.0.0.1', 'localhost')},tls-creds=tls0`;
    expect(await size(...qemuTls, '--image-opts', secure)).toBe(SIZE);
  });

  test('is mapped by qemu-img', async () => {
    const map = JSON.parse(await runOk('qemu-img', 'map', '--output=json', plain('disk')));
    expect(
      map.filter((entry: { data: boolean }) => entry.data).map((entry: { start: number }) => entry.start),
    ).toEqual([0, 32 * MIB, 63 * MIB]);
  });

  test('is converted to qcow2 by qemu-img, and compares equal', async () => {
    const image = folder.path('disk.qcow2');
    await runOk('qemu-img', 'convert', '-c', '-f', 'raw', '-O', 'qcow2', plain('disk'), image);
    const same = await runOk('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', plain('disk'), image);
    expect(same).toContain('Images are identical');
    const raw = folder.path('tls.raw');
    const over = `driver=raw,file.driver=nbd,file.server.type=inet,file.server.host=localhost,file.server.port=${tcp.port}`;
    const options = `${over},file.export=secret,file.tls-creds=tls0`;
    await runOk('qemu-img', 'convert', '-O', 'raw', ...qemuTls, '--image-opts', options, raw);
    expect(readFileSync(raw).equals(secret.bytes)).toBe(true);
    await runOk(
      'qemu-img',
      'convert',
      '-n',
      '-W',
      '-m',
      '8',
      '-f',
      'raw',
      '-O',
      'raw',
      '-S',
      '0',
      plain('disk'),
      raw,
    );
    expect(readFileSync(raw).equals(disk.bytes)).toBe(true);
  });

  test('is read and written by qemu-io', async () => {
    const read = await runOk(
      'qemu-io',
      '-r',
      '-f',
      'raw',
      '-c',
      'read -P 0xa1 0 1M',
      '-c',
      'read -P 0 9M 1M',
      '-c',
      'aio_read -P 0xc3 32M 4M',
      '-c',
      'aio_flush',
      plain('disk'),
    );
    expect(read).not.toContain('verification failed');
    const commands = [
      'write -P 0x5a 20M 64k',
      'write -f -P 0x5b 21M 4k',
      'write -P 0x11 8M 3M',
      'write -z 8M 1M',
      'write -z -u 9M 1M',
      'discard 10M 64k',
      'flush',
      'read -P 0x5a 20M 64k',
      'read -P 0 8M 2M',
    ];
    const done = await runOk(
      'qemu-io',
      '-f',
      'raw',
      ...commands.flatMap((command) => ['-c', command]),
      plain('writable'),
    );
    expect(done).not.toContain('failed');
    expect(writable.bytes.subarray(21 * MIB, 21 * MIB + 4096).every((byte) => byte === 0x5b)).toBe(true);
    expect(writable.bytes.subarray(10 * MIB, 10 * MIB + 65_536).every((byte) => byte === 0)).toBe(true);
    expect(writable.bytes[10 * MIB + 65_536]).toBe(0x11);
  });

  test('is mapped, compared, read and written over TLS too', async () => {
    const secure = (name: string): string => `${inet(name).replace('127.0.0.1', 'localhost')},tls-creds=tls0`;
    const rawOver = (name: string): string => `driver=raw,${secure(name).replaceAll(/(^|,)/g, '$1file.')}`;
    const map = JSON.parse(
      await runOk('qemu-img', 'map', '--output=json', ...qemuTls, '--image-opts', secure('secret')),
    ) as { start: number; data: boolean }[];
    expect(map.filter(({ data }) => data).map(({ start }) => start)).toEqual([0, 32 * MIB, 63 * MIB]);

    const image = folder.path('compared.raw');
    writeFileSync(image, secret.bytes);
    const file = `driver=raw,file.driver=file,file.filename=${image}`;
    const compare = ['compare', ...qemuTls, '--image-opts', rawOver('secret'), file];
    expect(await runOk('qemu-img', ...compare)).toContain('Images are identical');

    const io = [
      '-c',
      'write -P 0x77 40M 128k',
      '-c',
      'write -z 41M 64k',
      '-c',
      'flush',
      '-c',
      'read -P 0x77 40M 128k',
    ];
    const done = await runOk('qemu-io', ...qemuTls, '--image-opts', ...io, rawOver('writable'));
    expect(done).not.toContain('failed');
    expect(writable.bytes.subarray(40 * MIB, 40 * MIB + 131_072).every((byte) => byte === 0x77)).toBe(true);
  });

  test('keeps qemu-io from writing to a read-only export', async () => {
    const done = await run('qemu-io', '-f', 'raw', '-c', 'write 0 4k', plain('disk'));
    expect(`${done.stdout}${done.stderr}`).toMatch(/read-only|Permission denied/);
  });

  test('gives stock tools all they need for an incremental', async () => {
    const full = folder.path('full.qcow2');
    const increment = folder.path('inc.qcow2');
    await runOk('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', plain('disk'), full);
    await runOk('qemu-io', '-f', 'qcow2', '-c', 'write -P 9 4096 8192', '-c', 'write -P 9 409600 4096', full);
    await runOk('qemu-img', 'create', '-f', 'qcow2', '-b', plain('disk'), '-F', 'raw', increment);
    const options = `${inet('disk')},x-dirty-bitmap=qemu:dirty-bitmap:cp`;
    const map = JSON.parse(await runOk('qemu-img', 'map', '--output=json', '--image-opts', options));
    for (const { start, length, data } of map) {
      if (!data) await runOk('qemu-io', '-C', '-f', 'qcow2', '-c', `read -q ${start} ${length}`, increment);
    }
    await runOk('qemu-img', 'rebase', '-u', '-f', 'qcow2', '-b', full, '-F', 'qcow2', increment);
    const same = await runOk('qemu-img', 'compare', '-f', 'qcow2', '-F', 'raw', increment, plain('disk'));
    expect(same).toContain('Images are identical');
  });

  test('refuses a plain client an export that needs TLS', async () => {
    const done = await run('nbdinfo', '--size', plain('secret'));
    expect(done.status).toBe(1);
    expect(done.stderr).toContain('TLS');
  });

  test('is not trusted by a client that knows another authority', async () => {
    expect((await run('nbdinfo', '--size', overTls('disk', foreign.folder))).status).toBe(1);
    expect((await run('nbdinfo', '--size', overTls('disk'))).status).toBe(0);
  });

  test('knows no other export', async () => {
    expect((await run('nbdinfo', '--size', plain('nobody'))).status).toBe(1);
    expect((await run('qemu-img', 'info', plain('nobody'))).status).toBe(1);
  });

  test('cuts its connections when it closes', async () => {
    const opened = Promise.withResolvers<void>();
    const observer = { ...silentObserver, request: () => opened.resolve() };
    const own = await listenNbd({
      directory: new TestDirectory({ slow }),
      observer,
      limits: defaultNbdLimits,
      clock: createWallClock(),
      address: { host: '127.0.0.1', port: 0 },
    });
    const uri = `nbd://127.0.0.1:${own.port}/slow`;
    const reading = ['read 0 1M', 'sleep 500', 'read 0 1M'].flatMap((command) => ['-c', command]);
    const copying = run('qemu-io', '-r', '-f', 'raw', ...reading, uri);
    await opened.promise;
    await own.close();
    expect(`${(await copying).stdout}${(await copying).stderr}`).toMatch(/failed|error/i);
  });
});

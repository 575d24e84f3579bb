/** The client against other people's servers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectNbd,
  type NbdClient,
  type NbdClientOptions,
  NbdError,
  NbdRefused,
  NbdTlsError,
  listNbdExports,
} from '../../../src/nbd/index.ts';
import { dialTcp } from '../../../src/runtime/nbd-dial.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { makeFolder, runOk, startServer } from '../../nbd/peer-process.ts';
import { createTestPki } from '../../nbd/test-pki.ts';
import { requirePeers } from '../peers.ts';

const kit = requirePeers(['nbdkit']);
const qemu = requirePeers(['qemu-nbd', 'qemu-img', 'qemu-io']);
const KIB = 1024;
const MIB = 2 ** 20;
const SIZE = 64 * MIB;

const folder = makeFolder();
const pki = createTestPki(folder.path('pki'));
const foreign = createTestPki(folder.path('foreign-pki'));
const clock = createWallClock();
const image = folder.path('image.raw');

/** Every block of 4 KiB begins with its number; the second half is zero. */
function createImage(): Buffer {
  const bytes = Buffer.alloc(SIZE);
  for (let at = 0; at < SIZE / 2; at += 4 * KIB) bytes.writeUInt32BE(at / 4096 + 1, at);
  return bytes;
}

const content = createImage();

function connect(port: number, options: Partial<NbdClientOptions> = {}): Promise<NbdClient> {
  return connectNbd({ dial: dialTcp('127.0.0.1', port), exportName: '', retryDelayMs: 1, ...options }, clock);
}

const nbdkit = (...args: string[]) =>
  startServer('nbdkit', (port) => ['-f', '-i', '127.0.0.1', '-p', String(port), ...args]);

afterAll(() => folder.remove());

describe.skipIf(!kit.available)('the client, against nbdkit', () => {
  beforeAll(() => writeFileSync(image, content));

  test('reads and writes memory', async () => {
    await using server = await nbdkit('memory', '64M');
    await using client = await connect(server.port, { connections: 4 });
    expect(client.info).toMatchObject({
      sizeBytes: SIZE,
      isReadOnly: false,
      metaContexts: ['base:allocation'],
    });
    await client.write(0, content.subarray(0, 32 * MIB), { fua: true });
    await client.writeZeroes(MIB, MIB);
    await client.trim(2 * MIB, MIB);
    await client.flush();
    const expected = Buffer.from(content).fill(0, MIB, 3 * MIB);
    expect((await client.read(0, SIZE)).equals(expected)).toBe(true);
    const status = await client.blockStatus('base:allocation', 0, SIZE);
    expect(status.reduce((sum, extent) => sum + extent.length, 0)).toBe(SIZE);
    expect(status.at(-1)).toMatchObject({ flags: 3 });
  });

  test.each([
    { name: 'plain', args: [] },
    { name: 'without structured replies', args: ['--no-sr'] },
    { name: 'without several connections', args: ['--filter=multi-conn', 'multi-conn-mode=disable'] },
    {
      name: 'with blocks of 4 KiB to 1 MiB',
      args: [
        '--filter=blocksize-policy',
        'blocksize-minimum=4096',
        'blocksize-preferred=65536',
        'blocksize-maximum=1M',
        'blocksize-error-policy=error',
      ],
    },
    { name: 'without extents', args: ['--filter=noextents'] },
  ])('reads a file, $name', async ({ args }) => {
    const [filter = [], rest = []] = args.length > 1 ? [args.slice(0, 1), args.slice(1)] : [args, []];
    await using server = await nbdkit('-r', ...filter, 'file', image, ...rest);
    await using client = await connect(server.port, { connections: 3 });
    expect((await client.read(0, SIZE)).equals(content)).toBe(true);
    expect((await client.read(1234, 5 * MIB)).equals(content.subarray(1234, 1234 + 5 * MIB))).toBe(true);
  });

  test('reads over TLS, and only with the right authority', async () => {
    await using server = await nbdkit('--tls=require', `--tls-certificates=${pki.folder}`, 'file', image);
    await using client = await connect(server.port, {
      connections: 2,
      tls: { ca: pki.ca, host: '127.0.0.1' },
    });
    expect((await client.read(0, SIZE)).equals(content)).toBe(true);
    await expect(connect(server.port)).rejects.toThrow(NbdRefused);
    await expect(connect(server.port, { tls: { ca: foreign.ca, host: '127.0.0.1' } })).rejects.toThrow(
      NbdTlsError,
    );
    await expect(connect(server.port, { tls: { ca: pki.ca, host: 'elsewhere' } })).rejects.toThrow(
      NbdTlsError,
    );
  });

  test('does not go on in the clear where TLS is not to be had', async () => {
    await using server = await nbdkit('memory', '1M');
    const work = connect(server.port, { tls: { ca: pki.ca, host: '127.0.0.1' } });
    await expect(work).rejects.toThrow('server refuses TLS: ERR_POLICY');
  });

  test('reports read errors', async () => {
    await using server = await nbdkit(
      '--filter=error',
      'memory',
      '64M',
      'error-pread=ENOSPC',
      'error-pread-rate=100%',
    );
    await using client = await connect(server.port);
    await expect(client.read(0, 4 * MIB)).rejects.toMatchObject({ name: 'NbdError', code: 'ENOSPC' });
    await client.write(0, Buffer.alloc(512));
  });

  test.each(['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'ESHUTDOWN'])('reports %s', async (code) => {
    await using server = await nbdkit('eval', 'get_size=echo 1M', `pread=echo ${code} boom >&2; exit 1`);
    await using client = await connect(server.port);
    const error = await client.read(0, 512).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NbdError);
    expect(error).toMatchObject({ code });
  });

  test('reports a full disk', async () => {
    await using server = await nbdkit('full', '1M');
    await using client = await connect(server.port);
    await expect(client.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  test('lists names', async () => {
    await using server = await nbdkit(
      '--filter=exportname',
      'null',
      '1M',
      'exportname=a',
      'exportname=b',
      'exportname-list=explicit',
    );
    const listed = await listNbdExports({ dial: dialTcp('127.0.0.1', server.port) }, clock);
    expect(listed.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('puts the extents of a large disk together', async () => {
    await using server = await nbdkit('sparse-random', '32G', 'seed=42', 'percent=1', 'runlength=1048576');
    await using client = await connect(server.port);
    const extents = await client.blockStatus('base:allocation', 0, 2 ** 35);
    expect(extents.reduce((sum, extent) => sum + extent.length, 0)).toBe(2 ** 35);
    expect(extents.every((extent, index) => extent.flags !== extents[index + 1]?.flags)).toBe(true);
  });
});

describe.skipIf(!qemu.available)('the client, against qemu-nbd', () => {
  const qcow2 = folder.path('image.qcow2');

  beforeAll(async () => {
    await runOk('qemu-img', 'create', '-f', 'qcow2', qcow2, '64M');
    await runOk('qemu-io', '-f', 'qcow2', '-c', 'write -P 1 0 1M', qcow2);
    await runOk('qemu-img', 'bitmap', '--add', '-g', '64k', '--enable', qcow2, 'cbt0');
    await runOk('qemu-io', '-f', 'qcow2', '-c', 'write -P 2 8M 64k', '-c', 'write -P 3 20M 128k', qcow2);
  });

  const qemuNbd = (...args: string[]) =>
    startServer('qemu-nbd', (port) => [
      '-b',
      '127.0.0.1',
      '-p',
      String(port),
      '-r',
      '-t',
      '-e',
      '8',
      '-f',
      'qcow2',
      '-x',
      'disk0',
      ...args,
      qcow2,
    ]);

  test('reads holes and data, and the dirty bitmap', async () => {
    const dirty = 'qemu:dirty-bitmap:cbt0';
    await using server = await qemuNbd('-B', 'cbt0', '-A');
    await using client = await connect(server.port, {
      exportName: 'disk0',
      connections: 4,
      metaContexts: ['base:allocation', dirty, 'qemu:allocation-depth'],
    });
    expect(client.info.isReadOnly).toBe(true);
    const expected = Buffer.alloc(SIZE)
      .fill(1, 0, MIB)
      .fill(2, 8 * MIB, 8 * MIB + 64 * KIB)
      .fill(3, 20 * MIB, 20 * MIB + 128 * KIB);
    expect((await client.read(0, SIZE)).equals(expected)).toBe(true);
    const changed = (await client.blockStatus(dirty, 0, SIZE)).filter(({ flags }) => flags === 1);
    expect(changed).toEqual([
      { offset: 8 * MIB, length: 64 * KIB, flags: 1 },
      { offset: 20 * MIB, length: 128 * KIB, flags: 1 },
    ]);
    expect((await client.blockStatus('qemu:allocation-depth', 0, SIZE)).length).toBeGreaterThan(2);
    await expect(client.write(0, Buffer.alloc(512))).rejects.toMatchObject({ code: 'EPERM' });
    await expect(connect(server.port, { exportName: 'nobody' })).rejects.toThrow(NbdRefused);
  });

  test('reads over TLS', async () => {
    const credentials = `tls-creds-x509,id=tls0,dir=${pki.folder},endpoint=server,verify-peer=off`;
    await using server = await qemuNbd('--object', credentials, '--tls-creds', 'tls0');
    await using client = await connect(server.port, {
      exportName: 'disk0',
      tls: { ca: pki.ca, host: '127.0.0.1' },
    });
    expect((await client.read(0, MIB)).equals(Buffer.alloc(MIB, 1))).toBe(true);
  });

  test('writes an image that qemu-img finds equal', async () => {
    const target = folder.path('target.qcow2');
    await runOk('qemu-img', 'create', '-f', 'qcow2', target, '64M');
    {
      await using server = await startServer('qemu-nbd', (port) => [
        '-b',
        '127.0.0.1',
        '-p',
        String(port),
        '-t',
        '-f',
        'qcow2',
        target,
      ]);
      await using client = await connect(server.port);
      await client.write(0, readFileSync(image));
      await client.flush();
    }
    expect(await runOk('qemu-img', 'compare', '-f', 'raw', '-F', 'qcow2', image, target)).toContain(
      'identical',
    );
  });
});

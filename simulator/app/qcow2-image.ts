/**
 * A qcow2 image under a simulated disk. qemu-nbd reads the format and serves it, read-only, on a unix socket in a
 * private folder; this project's NBD client reads from there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../src/kernel/clock.ts';
import { connectNbd } from '../../src/nbd/client/connect-nbd.ts';
import type { NbdClient } from '../../src/nbd/client/nbd-client-api.ts';
import { ALLOCATION_CONTEXT, ALLOCATION_FLAG } from '../../src/nbd/wire/constants.ts';
import type { BaseImage } from '../store/base-image.ts';
import { ImageError } from './raw-image.ts';

export interface Qcow2Image extends BaseImage, AsyncDisposable {}

/** Connections, so that a few readers do not wait for each other. */
const CONNECTIONS = 4;

/** @throws ImageError when qemu-nbd is not installed or refuses the file */
export async function openQcow2Image(file: string, blockBytes: number, clock: Clock): Promise<Qcow2Image> {
  await using open = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'backlot-qcow2-'));
  open.defer(() => rmSync(folder, { recursive: true, force: true }));
  const socket = join(folder, 'nbd.sock');
  const qemu = await startQemuNbd(file, socket);
  open.defer(() => stop(qemu));
  const client = open.use(await connectWhenUp(qemu, socket, file, clock));
  const isData = await dataBlocks(client, blockBytes);
  const opened = open.move();
  return {
    sizeBytes: client.info.sizeBytes,
    read: (offset, length) => client.read(offset, length),
    isHole: (block) => isData[block] !== 1,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function startQemuNbd(file: string, socket: string): Promise<ChildProcess> {
  const settings = ['--read-only', '--persistent', `--shared=${CONNECTIONS}`, '--format=qcow2'];
  const qemu = spawn('qemu-nbd', [...settings, `--socket=${socket}`, '--', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    await once(qemu, 'spawn');
  } catch (error) {
    throw new ImageError(
      `${file}: is a qcow2 image, and qemu-nbd, which reads those, is not installed; install qemu-utils, or convert the image with "qemu-img convert -O raw"`,
      { cause: error },
    );
  }
  return qemu;
}

async function connectWhenUp(
  qemu: ChildProcess,
  socket: string,
  file: string,
  clock: Clock,
): Promise<NbdClient> {
  let complaint = '';
  qemu.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const ended = once(qemu, 'exit').then(() => {
    throw new ImageError(`${file}: qemu-nbd refuses it: ${complaint.trim()}`);
  });
  const dial = async (signal: AbortSignal): Promise<Duplex> => {
    for (;;) {
      const stream = await tryConnect(socket, signal);
      if (stream !== undefined) return stream;
      await new Promise((resolve) => clock.setTimer(clock.now() + 20, () => resolve(undefined)));
    }
  };
  return Promise.race([connectNbd({ dial, exportName: '', connections: CONNECTIONS }, clock), ended]);
}

/** `undefined` while nobody listens yet. */
function tryConnect(path: string, signal: AbortSignal): Promise<Duplex | undefined> {
  signal.throwIfAborted();
  return new Promise((resolve) => {
    const stream = connect({ path });
    stream.once('connect', () => resolve(stream));
    stream.once('error', () => resolve(undefined));
  });
}

async function dataBlocks(client: NbdClient, blockBytes: number): Promise<Uint8Array> {
  const { sizeBytes } = client.info;
  const isData = new Uint8Array(Math.ceil(sizeBytes / blockBytes));
  for (const { offset, length, flags } of await client.blockStatus(ALLOCATION_CONTEXT, 0, sizeBytes)) {
    if ((flags & ALLOCATION_FLAG.ZERO) !== 0) continue;
    const end = Math.ceil((offset + length) / blockBytes);
    isData.fill(1, Math.floor(offset / blockBytes), end);
  }
  return isData;
}

async function stop(qemu: ChildProcess): Promise<void> {
  if (qemu.exitCode !== null || qemu.signalCode !== null) return;
  qemu.kill('SIGTERM');
  await once(qemu, 'exit');
}

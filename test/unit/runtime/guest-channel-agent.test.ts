import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentLost, DeviceGone, type OpenDisk } from '../../../src/engine/proxy-agent.ts';
import { agentSocket } from '../../../src/kernel/guest-folder.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { NbdError } from '../../../src/nbd/client/errors.ts';
import { TRANSMISSION_FLAG } from '../../../src/nbd/wire/constants.ts';
import { connectGuestChannel } from '../../../src/runtime/guest-channel-agent.ts';
import { FakeGuest } from '../guest-channel/fake-guest.ts';

const MIB = 2 ** 20;
const signal = new AbortController().signal;
const PROXY = { id: 'proxy-1', name: 'proxy-1' };

/** A guest folder with the socket of one proxy's agent. */
async function stage() {
  await using opening = new AsyncDisposableStack();
  const guestDir = mkdtempSync(join(tmpdir(), 'backlot-channel-'));
  opening.defer(() => rmSync(guestDir, { recursive: true }));
  const guests: FakeGuest[] = [];
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    guests.push(new FakeGuest(socket));
    guests.at(-1)?.disks.push(disk('vdb', '7', 3 * MIB));
  });
  const path = agentSocket(guestDir, PROXY.name);
  mkdirSync(dirname(path), { recursive: true });
  server.listen({ path });
  await once(server, 'listening');
  opening.defer(() => void server.close());
  opening.defer(() => sockets.forEach((socket) => socket.destroy()));
  const clock = new VirtualClock(0);
  const agent = await connectGuestChannel({ guestDir, clock })(PROXY, signal);
  const [guest] = guests;
  const [socket] = sockets;
  if (guest === undefined || socket === undefined) throw new Error('nobody has connected');
  const opened = opening.move();
  return { agent, guest, socket, clock, guestDir, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

function disk(name: string, sequence: string, length: number) {
  const bytes = Buffer.from(createRng(name).bytes(length));
  return { name, sequence, serial: `serial-${name}`, isReadOnly: false, bytes };
}

const same = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0;

describe('the agent over the channel', () => {
  it('lists what the guest shows', async () => {
    await using stand = await stage();
    expect(await stand.agent.devices(signal)).toEqual([
      { name: 'vdb', serial: 'serial-vdb', sizeBytes: 3 * MIB, isReadOnly: false },
    ]);
    await expect(stand.agent.open('vdc', { write: false, signal })).rejects.toThrow(DeviceGone);
  });

  it('reads and writes ranges of every kind, in pieces of a mebibyte and whole sectors', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    const bytes = stand.guest.disks[0]?.bytes ?? Buffer.alloc(0);
    const expected = Buffer.from(bytes);
    expect(same(await opened.read(0, 3 * MIB), expected)).toBe(true);
    expect(same(await opened.read(MIB - 3, 7), expected.subarray(MIB - 3, MIB + 4))).toBe(true);
    for (const [offset, length] of [
      [0, 2 * MIB],
      [511, 2],
      [MIB - 1, MIB + 2],
      [3 * MIB - 512, 512],
    ] as const) {
      const data = createRng(`${offset}`).bytes(length);
      expected.set(data, offset);
      await opened.write(offset, data);
      expect(same(bytes, expected)).toBe(true);
    }
    const sizes = stand.guest.asked.flatMap(
      (line) => /^(?:read|write) vdb 7 \d+ (\d+)$/.exec(line)?.[1] ?? [],
    );
    expect(Math.max(...sizes.map(Number))).toBe(MIB);
  });

  it.each([
    [0, MIB, 1],
    [5, 3, 0],
    [510, 2000, 1],
    [512, 513, 1],
  ])('zeroes the range %i+%i and nothing else', async (offset, length, zeros) => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    const bytes = stand.guest.disks[0]?.bytes ?? Buffer.alloc(0);
    const expected = Buffer.from(bytes).fill(0, offset, offset + length);
    await opened.writeZeroes(offset, length);
    expect(same(bytes, expected)).toBe(true);
    expect(stand.guest.asked.filter((line) => line.startsWith('zero'))).toHaveLength(zeros);
  });

  it('flushes when asked, and after a write that must be on the disk', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    await opened.write(0, Buffer.alloc(512), { fua: true });
    await opened.flush();
    expect(stand.guest.asked.slice(-3)).toEqual(['write vdb 7 0 512', 'flush vdb 7', 'flush vdb 7']);
  });

  it('cannot tell extents, and says so', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    expect(opened.info.metaContexts).toEqual([]);
    expect(opened.info.flags & TRANSMISSION_FLAG.SEND_WRITE_ZEROES).not.toBe(0);
    await expect(opened.blockStatus('base:allocation', 0, 512)).rejects.toThrow();
  });

  it('finds a disk gone whose name another one has now', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    stand.guest.disks.splice(0, 1, disk('vdb', '8', MIB));
    await expect(opened.read(0, 512)).rejects.toThrow(DeviceGone);
    await expect(opened.write(0, Buffer.alloc(512))).rejects.toThrow(DeviceGone);
  });

  it('reports what a disk refuses as an error of input and output', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    const failed = await opened.read(3 * MIB, 512).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(NbdError);
    expect(failed).toMatchObject({ code: 'EIO' });
  });

  it('is lost with the connection, and when there is none to be had', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    stand.guest.isSilent = true;
    const reading = expect(opened.read(0, 512)).rejects.toThrow(AgentLost);
    stand.socket.destroy();
    await reading;
    await expect(stand.agent.devices(signal)).rejects.toThrow(AgentLost);
    const connect = connectGuestChannel({ guestDir: stand.guestDir });
    await expect(connect({ id: 'p', name: 'elsewhere' }, signal)).rejects.toThrow(/elsewhere: no agent/);
  });

  const askSilent = async (opened: OpenDisk, aborted: AbortController): Promise<void> => {
    const reading = opened.read(0, 512, aborted.signal);
    aborted.abort(new Error('enough'));
    await reading;
  };

  it('waits for no answer that nobody wants any more', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal });
    stand.guest.isSilent = true;
    await expect(askSilent(opened, new AbortController())).rejects.toThrow('enough');
  });

  it('holds the clock while it waits, and gives a device up in time where the clock goes on', async () => {
    await using stand = await stage();
    const opened = await stand.agent.open('vdb', { write: true, signal, requestTimeoutMs: 5000 });
    let held = 0;
    const { hold } = stand.clock;
    stand.clock.hold = () => {
      held++;
      return () => undefined;
    };
    stand.guest.isSilent = true;
    const reading = expect(opened.read(0, 512)).rejects.toThrow(/vdb has not answered for 5 s/);
    expect(held).toBe(1);
    await stand.clock.advanceBy(5000);
    await reading;
    stand.clock.hold = hold;
  });
});

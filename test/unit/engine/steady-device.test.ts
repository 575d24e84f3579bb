import { describe, expect, it } from 'vitest';
import { DeviceGone, DeviceSilent, type OpenDisk } from '../../../src/engine/proxy-agent.ts';
import { createSteadyDevice } from '../../../src/engine/steady-device.ts';
import { DISK_INFO } from './disk-info.ts';

interface Device {
  readonly opened: () => number;
  readonly disk: OpenDisk;
}

/** `answer` is asked for every request: with how often the device was opened. */
function steadyDevice(answer: (opened: number) => Promise<void>): Device {
  let count = 0;
  const open = (): OpenDisk => {
    const own = ++count;
    return {
      info: { ...DISK_INFO },
      reconnects: 0,
      read: async () => {
        await answer(own);
        return Buffer.from([own]);
      },
      write: () => answer(own),
      writeZeroes: () => answer(own),
      flush: () => answer(own),
      blockStatus: async () => {
        await answer(own);
        return [];
      },
      close: async () => {},
    };
  };
  const disk = createSteadyDevice({ disk: open(), reopen: async () => open() });
  return { disk, opened: () => count };
}

const silentUntil =
  (turn: number) =>
  async (opened: number): Promise<void> => {
    if (opened < turn) throw new DeviceSilent('no answer');
  };

describe('a device that does not answer in time', () => {
  it('is opened anew once for all reads that it left without an answer', async () => {
    const { disk, opened } = steadyDevice(silentUntil(2));
    const read = await Promise.all([disk.read(0, 1), disk.read(1, 1), disk.read(2, 1)]);
    expect(read.map(([by]) => by)).toEqual([2, 2, 2]);
    expect([opened(), disk.reconnects]).toEqual([2, 1]);
  });

  it('takes its neighbours with it, which are read again too', async () => {
    let requests = 0;
    const { disk } = steadyDevice(async (opened) => {
      if (opened > 1) return;
      throw ++requests === 1 ? new DeviceSilent('no answer') : new DeviceGone('connection closed');
    });
    const read = await Promise.all([disk.read(0, 1), disk.read(1, 1)]);
    expect(read.map(([by]) => by)).toEqual([2, 2]);
  });

  it('is given up after five more tries', async () => {
    const { disk, opened } = steadyDevice(silentUntil(100));
    await expect(disk.read(0, 1)).rejects.toBeInstanceOf(DeviceSilent);
    expect(opened()).toBe(6);
  });

  it('is not written to again', async () => {
    const { disk, opened } = steadyDevice(silentUntil(2));
    await expect(disk.write(0, Buffer.alloc(1))).rejects.toBeInstanceOf(DeviceSilent);
    expect(opened()).toBe(1);
  });

  it('is not opened again when nobody wants its answer any more', async () => {
    const { disk, opened } = steadyDevice(silentUntil(2));
    const reason = new Error('the job is over');
    await expect(disk.read(0, 1, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(opened()).toBe(1);
  });
});

it('a device that is gone is not opened again', async () => {
  const { disk, opened } = steadyDevice(() => Promise.reject(new DeviceGone('vdb is gone')));
  await expect(disk.read(0, 1)).rejects.toThrow('vdb is gone');
  expect(opened()).toBe(1);
});

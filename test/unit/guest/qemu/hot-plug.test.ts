import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { HotPlug } from '../../../../simulator/guest/qemu/hot-plug.ts';
import { HOT_PLUG_SLOTS } from '../../../../simulator/guest/qemu/qemu-command.ts';
import { QmpClient } from '../../../../simulator/guest/qemu/qmp-client.ts';
import { VirtualClock } from '../../../../src/kernel/virtual-clock.ts';

const DISK = { socket: '/run/1.sock', serial: 'serial-1', isReadOnly: false };

/** A QEMU that does as it is told, unless it is told not to. */
function stage() {
  const [ours, theirs] = duplexPair();
  const asked: string[] = [];
  const options = { isDeaf: false, refuses: '' };
  const say = (message: unknown): void => void theirs.write(`${JSON.stringify(message)}\n`);
  const letGo = (device: string): void => say({ event: 'DEVICE_DELETED', data: { device } });
  theirs.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      const { execute, arguments: args, id } = JSON.parse(line);
      asked.push(`${execute} ${args.id ?? args['node-name']}`);
      if (execute === options.refuses) say({ error: { class: 'GenericError', desc: 'no' }, id });
      else say({ return: {}, id });
      if (execute === 'device_del' && !options.isDeaf) letGo(args.id);
    }
  });
  const clock = new VirtualClock(0);
  const ended = new Promise<never>(() => undefined);
  return { hotPlug: new HotPlug({ qmp: new QmpClient(ours), ended }, clock), asked, options, letGo, clock };
}

describe('hot-plug', () => {
  it('takes the disk away only after the guest has let go, and its place is free again', async () => {
    const { hotPlug, asked, options, letGo, clock } = stage();
    const plugged = await hotPlug.plug(DISK);
    options.isDeaf = true;
    const gone = hotPlug.unplug(plugged, 30_000);
    await clock.drain();
    expect(asked).toEqual(['blockdev-add disk0', 'device_add plug0', 'device_del plug0']);
    // Somebody else's disk.
    letGo('plug7');
    await clock.drain();
    expect(asked).toHaveLength(3);
    letGo('plug0');
    await gone;
    expect(asked.slice(3)).toEqual(['blockdev-del disk0']);
    expect(await hotPlug.plug(DISK)).toEqual(plugged);
  });

  it('asks a guest again that has not heard, and gives up in time', async () => {
    const { hotPlug, asked, options, clock } = stage();
    const plugged = await hotPlug.plug(DISK);
    options.isDeaf = true;
    const refused = expect(hotPlug.unplug(plugged, 30_000)).rejects.toThrow(
      /not let go of a disk within 30 s/,
    );
    await clock.advanceBy(30_000);
    await refused;
    expect(asked.filter((line) => line === 'device_del plug0')).toHaveLength(2);
    expect(asked).not.toContain('blockdev-del disk0');
  });

  it('leaves nothing of a disk that cannot be plugged in', async () => {
    const { hotPlug, asked, options } = stage();
    options.refuses = 'device_add';
    await expect(hotPlug.plug(DISK)).rejects.toThrow('device_add: no');
    expect(asked.at(-1)).toBe('blockdev-del disk0');
    options.refuses = '';
    expect(await hotPlug.plug(DISK)).toEqual({ slot: 0 });
  });

  it('says when all places are taken', async () => {
    const { hotPlug } = stage();
    for (let slot = 0; slot < HOT_PLUG_SLOTS; slot++) await hotPlug.plug(DISK);
    await expect(hotPlug.plug(DISK)).rejects.toThrow(`places for ${HOT_PLUG_SLOTS} hot-plugged disks`);
  });
});

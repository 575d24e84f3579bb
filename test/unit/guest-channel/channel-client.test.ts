import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ChannelClient, ChannelLost, ChannelRefusal } from '../../../src/guest-channel/channel-client.ts';
import { formatDevices, parseDevices } from '../../../src/guest-channel/channel-devices.ts';
import { ChannelProtocolError } from '../../../src/guest-channel/channel-frame.ts';
import { FakeGuest } from './fake-guest.ts';

function stage() {
  const [ours, theirs] = duplexPair();
  return { client: new ChannelClient(ours), guest: new FakeGuest(theirs), theirs };
}

describe('the asking side of the channel', () => {
  it('takes answers in any order', async () => {
    const { client, guest, theirs } = stage();
    guest.isSilent = true;
    const first = client.ask(['one']);
    const second = client.ask(['two']);
    await new Promise((resolve) => theirs.once('data', resolve));
    guest.answer('2', 'ok', Buffer.from('second'));
    guest.answer('1', 'ok', Buffer.from('first'));
    expect([String(await first), String(await second)]).toEqual(['first', 'second']);
  });

  it('tells a disk that is gone from one that fails', async () => {
    const { client, guest } = stage();
    guest.disks.push({
      name: 'vdb',
      sequence: '7',
      serial: 's',
      isReadOnly: false,
      bytes: Buffer.alloc(1024),
    });
    const gone = await client.ask(['read', 'vdb', 6, 0, 512]).catch((error: unknown) => error);
    const failed = await client.ask(['read', 'vdb', 7, 1024, 512]).catch((error: unknown) => error);
    expect(gone).toBeInstanceOf(ChannelRefusal);
    expect(gone).toMatchObject({ status: 'gone', message: 'vdb: no such disk' });
    expect(failed).toMatchObject({ status: 'failed', message: 'vdb: Invalid argument' });
  });

  it.each([
    ['ends', (stream: { end(): void }) => stream.end()],
    ['breaks', (stream: { destroy(): void }) => stream.destroy()],
  ])('loses what is unanswered when the stream %s', async (_, end) => {
    const { client, guest, theirs } = stage();
    guest.isSilent = true;
    const asked = client.ask(['hello']);
    end(theirs);
    await expect(asked).rejects.toThrow(ChannelLost);
    await expect(client.ask(['hello'])).rejects.toThrow(ChannelLost);
    expect(client.isLost).toBe(true);
  });

  it('is lost when the other side does not keep to the protocol', async () => {
    const { client, guest, theirs } = stage();
    guest.isSilent = true;
    const asked = client.ask(['hello']);
    theirs.write('1 ok lots\n');
    await expect(asked).rejects.toThrow(/no length of a payload: lots/);
  });
});

describe('the list of disks', () => {
  const disk = { name: 'vdb', sequence: '12', sizeBytes: 1024, isReadOnly: true, serial: 'a b/c' };

  it('says what was said', () => {
    const nameless = { ...disk, name: 'sdaa', serial: '', isReadOnly: false };
    expect(parseDevices(formatDevices([disk, nameless]))).toEqual([disk, nameless]);
    expect(parseDevices(Buffer.alloc(0))).toEqual([]);
  });

  it('is refused when a line is not one of it', () => {
    expect(() => parseDevices(Buffer.from('vdb 12 1024 0 serial\n'))).toThrow(ChannelProtocolError);
  });
});

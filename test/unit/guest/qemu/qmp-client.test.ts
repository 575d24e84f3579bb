import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { QmpClient, QmpError, type QmpEvent } from '../../../../simulator/guest/qemu/qmp-client.ts';

function stage() {
  const [ours, theirs] = duplexPair();
  const asked: Record<string, unknown>[] = [];
  theirs.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((one) => one !== '')) asked.push(JSON.parse(line));
  });
  const say = (message: unknown): void => void theirs.write(`${JSON.stringify(message)}\r\n`);
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { client: new QmpClient(ours), theirs, asked, say, turn };
}

describe('the client of QEMU', () => {
  it('leaves negotiation once it was greeted, not before', async () => {
    const { client, asked, say, turn } = stage();
    const negotiated = client.negotiate();
    await turn();
    expect(asked).toEqual([]);
    say({ QMP: { version: {}, capabilities: [] } });
    await turn();
    await turn();
    expect(asked).toEqual([{ execute: 'qmp_capabilities', arguments: {}, id: 1 }]);
    say({ return: {}, id: 1 });
    await negotiated;
  });

  it('gives every command its own answer, or its own refusal in the words of QEMU', async () => {
    const { client, say } = stage();
    const first = client.execute('query-block');
    const second = client.execute('device_del', { id: 'none' });
    say({ error: { class: 'DeviceNotFound', desc: "Device 'none' not found" }, id: 2 });
    say({ return: [1, 2], id: 1 });
    expect(await first).toEqual([1, 2]);
    const refused = await second.catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(QmpError);
    expect(refused).toMatchObject({ kind: 'DeviceNotFound', message: "device_del: Device 'none' not found" });
  });

  it('takes messages apart wherever they are cut, and tells events to who listens', async () => {
    const { client, theirs, turn } = stage();
    const events: QmpEvent[] = [];
    const stop = client.onEvent((event) => events.push(event));
    const asked = client.execute('stop');
    const text = '{"event":"DEVICE_DELETED","data":{"device":"plug3"}}\r\n{"return":{},"id":1}\r\n';
    for (const byte of text) {
      theirs.write(byte);
      await turn();
    }
    await asked;
    stop();
    theirs.write('{"event":"SHUTDOWN"}\r\n');
    await turn();
    expect(events).toEqual([{ name: 'DEVICE_DELETED', data: { device: 'plug3' } }]);
  });

  it('takes several messages that come at once', async () => {
    const { client, theirs } = stage();
    const asked = [client.execute('stop'), client.execute('cont')];
    theirs.write('{"return":1,"id":1}\r\n{"event":"STOP"}\r\n{"return":2,"id":2}\r\n');
    expect(await Promise.all(asked)).toEqual([1, 2]);
  });

  it('fails what is unanswered when QEMU goes away', async () => {
    const { client, theirs } = stage();
    const asked = client.execute('stop');
    theirs.destroy();
    await expect(asked).rejects.toThrow('QEMU has closed its QMP socket');
    await expect(client.execute('cont')).rejects.toThrow('QEMU has closed its QMP socket');
  });
});

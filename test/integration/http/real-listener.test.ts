/** The same API behind a real socket: what only a socket can show. */
import { type AddressInfo, connect } from 'node:net';
import { Agent, fetch } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createPlatformIdentity } from '../../../simulator/app/pki.ts';
import { createProductApi } from '../../../simulator/http/product-api.ts';
import { createTestbed, type Testbed } from './api-testbed.ts';
import { signed } from './sign.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listen({ registry, clock }: Testbed) {
  const { caPem, server } = createPlatformIdentity(['localhost', '127.0.0.1']);
  const app = createProductApi({ worlds: registry, clock, tls: { key: server.keyPem, cert: server.pem } });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const dispatcher = new Agent({ connect: { ca: caPem } });
  closing.push(
    () => dispatcher.destroy(),
    () => app.close(),
  );
  const { port } = app.server.address() as AddressInfo;
  return { base: `https://127.0.0.1:${port}`, dispatcher };
}

describe('a listener without TLS', () => {
  it('answers what is no HTTP in the envelope and goes on', async () => {
    const { registry, clock } = createTestbed();
    const app = createProductApi({ worlds: registry, clock });
    await app.listen({ port: 0, host: '127.0.0.1' });
    closing.push(() => app.close());
    const { port } = app.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.end('NBDMAGIC IHAVEOPT\r\n\r\n');
    const answer = (await socket.toArray()).join('');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('{"code":400,"message":"Invalid parameter. (');
    expect((await fetch(`http://127.0.0.1:${port}/janus/public-key`)).status).toBe(200);
  });
});

describe('a listener with TLS', () => {
  it('serves signed calls over one connection', async () => {
    const testbed = createTestbed();
    const { base, dispatcher } = await listen(testbed);
    const path = '/janus/20240725/servers';
    for (let n = 0; n < 3; n++) {
      const headers = signed({ method: 'GET', path, body: '', ...testbed.credential });
      const response = await fetch(`${base}${path}?page_size=1`, { headers, dispatcher });
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ errcode: '', data: { page_size: 1 } });
    }
  });

  it.each(['lose-request', 'lose-reply'] as const)(
    'ends the connection after "%s" and serves the next',
    async (kind) => {
      const testbed = createTestbed();
      testbed.faults.add({ kind, on: 'azs.list' });
      const { base, dispatcher } = await listen(testbed);
      const path = '/janus/20180725/azs';
      const get = () => {
        const headers = signed({ method: 'GET', path, body: '', ...testbed.credential });
        return fetch(`${base}${path}`, { headers, dispatcher });
      };
      await expect(get()).rejects.toThrow('fetch failed');
      expect((await get()).status).toBe(200);
    },
  );
});

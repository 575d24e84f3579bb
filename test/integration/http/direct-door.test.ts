import { describe, expect, it } from 'vitest';
import { OPERATION_NAMES, operationOf } from '../../../src/contract/operations.ts';
import type { HttpRequest, HttpResponse } from '../../../src/sdk/http-transport.ts';
import { createDirectDoor } from '../../../simulator/http/direct-door.ts';
import { createInProcessTransport } from '../../../simulator/http/in-process-transport.ts';
import { createApiContext } from '../../../simulator/http/product-api.ts';
import { createTestbed, type Testbed } from './api-testbed.ts';
import { signed } from './sign.ts';

type Asked = Pick<HttpRequest, 'method' | 'path'> & { readonly body?: string };

function requestOf({ credential }: Testbed, { method, path, body = '' }: Asked): HttpRequest {
  const [signedPath = ''] = path.split('?');
  const headers = {
    'Content-Type': 'application/json',
    ...signed({ method, path: signedPath, body, ...credential }),
  };
  return { method, path, headers, ...(body === '' ? {} : { body }) };
}

const doorTo = ({ registry, clock }: Testbed) =>
  createDirectDoor(createApiContext({ worlds: registry, clock }));

/** The answers of the server and of the door, each in a world of its own, with what the journals say. */
async function bothAnswers(asked: Asked): Promise<{ server: unknown; door: unknown }> {
  const viaServer = createTestbed();
  const viaDoor = createTestbed();
  const transport = createInProcessTransport(() => viaServer.app);
  const server = await viaServer.clock.run(transport.send(requestOf(viaServer, asked)));
  const answer = doorTo(viaDoor)(requestOf(viaDoor, asked));
  if (answer === undefined) throw new Error('the door did not take the request');
  const door = await viaDoor.clock.run(answer);
  return { server: shown(viaServer, server), door: shown(viaDoor, door) };
}

function shown({ world }: Testbed, answer: HttpResponse | 'lost'): unknown {
  if (answer === 'lost') return answer;
  const { status, headers, body } = answer;
  // Keys are made for each process.
  const text = body.replace(/"public_key":"[^"]+"/, '"public_key":""');
  return { status, type: headers['content-type'], text, journal: world.journal.hash() };
}

const everyPath = OPERATION_NAMES.flatMap((name) => {
  const { method, paths } = operationOf(name);
  return paths.map((path) => ({ name, method, path: path.replace(/\{\w+\}/g, 'a%3Ab') }));
});

describe('the door beside the server', () => {
  it.each(everyPath)('answers $name at $path like the server', async ({ method, path }) => {
    const { server, door } = await bothAnswers({ method, path });
    expect(door).toEqual(server);
  });

  it.each([
    '?az_id=x&page_num=0&page_size=2',
    '?name=a%20b+c',
    '?name=a&name=b',
    '?',
    '?name',
    '?page_size=0',
  ])('reads the query %s like the server', async (query) => {
    const { server, door } = await bothAnswers({ method: 'GET', path: `/janus/20190725/servers${query}` });
    expect(door).toEqual(server);
  });

  it.each(['{"type":"enable"}', '{"type":"enäble"}', '{"type":', '[]'])(
    'reads the body %s like the server',
    async (body) => {
      const path = `/janus/20180725/servers/${createTestbed().server.id}/cbt/status`;
      const { server, door } = await bothAnswers({ method: 'PUT', path, body });
      expect(door).toEqual(server);
    },
  );

  it.each([
    ['a path that no call has', '/janus/20180725/nothing'],
    ['a call with an empty parameter', '/janus/20180725/tasks/'],
    ['a parameter that cannot be decoded', '/janus/20180725/tasks/%zz'],
    ['a path with characters that belong encoded', '/janus/20180725/tasks/ä'],
    ['a path of great length', `/janus/20180725/tasks/${'x'.repeat(600)}`],
  ])('leaves %s to the server', (_, path) => {
    const testbed = createTestbed();
    expect(doorTo(testbed)(requestOf(testbed, { method: 'GET', path }))).toBeUndefined();
  });

  it('says when an answer is lost', async () => {
    const testbed = createTestbed();
    testbed.faults.add({ kind: 'lose-reply', on: 'azs.list' });
    const answer = doorTo(testbed)(requestOf(testbed, { method: 'GET', path: '/janus/20180725/azs' }));
    expect(await testbed.clock.run(Promise.resolve(answer))).toBe('lost');
  });
});

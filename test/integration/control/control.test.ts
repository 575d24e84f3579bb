import { describe, expect, it } from 'vitest';
import type { World } from '../../../simulator/domain/world-api.ts';
import { type ControlTestbed, firstServer, journalTypes, openControl, WORLD } from './control-testbed.ts';

describe('worlds', () => {
  it('creates worlds, lists them oldest first and shows each with its login', async () => {
    await using control = await openControl();
    const made = await control.call('POST', '/worlds', {
      id: 'second',
      preset: 'lab',
      seed: 's',
      clock: 'x60',
    });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ id: 'second', seed: 's', clock: { mode: 'x60' }, servers: 16 });
    const { json } = await control.call('GET', '/worlds');
    expect(json).toMatchObject([{ id: 'first' }, { id: 'second', credentials: [{ role: 'admin' }, {}] }]);
    expect((await control.call('GET', '/worlds/second')).json).toMatchObject({ id: 'second' });
  });

  it('gives worlds that ask for no seed different ones', async () => {
    await using control = await openControl();
    const [one, two] = [await control.call('POST', '/worlds'), await control.call('POST', '/worlds')];
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(one.json['seed']).not.toBe(two.json['seed']);
  });

  it('makes a world of an inventory and of settings', async () => {
    await using control = await openControl();
    const inventory = { servers: [{ name: 'web', disks: ['1MiB'] }] };
    const settings = { changedAreasPerPage: 3 };
    const made = await control.call('POST', '/worlds', { id: 'own', inventory, settings });
    expect(made.json).toMatchObject({ servers: 1 });
    const own = control.worlds.worlds().find(({ world }) => world.id === 'own');
    expect(own?.world.settings.changedAreasPerPage).toBe(3);
  });

  it('ends a world', async () => {
    await using control = await openControl();
    await control.call('POST', '/worlds', { id: 'second' });
    expect((await control.call('DELETE', '/worlds/first')).json).toEqual({ removed: true });
    expect((await control.call('GET', '/worlds')).json).toMatchObject([{ id: 'second' }]);
    expect((await control.call('GET', WORLD)).json).toMatchObject({ id: 'second' });
    expect(control.simulator.worlds()).toHaveLength(1);
  });

  it.each([
    [{ preset: 'huge' }, 400, 'preset: "huge" does not fit'],
    [{ preset: 'tiny', inventory: {} }, 400, 'either preset or inventory'],
    [
      { inventory: { servers: [{ name: 'a', disks: ['1XB'] }] } },
      400,
      'servers[0].disks[0]: "1XB" does not fit',
    ],
    [
      {
        inventory: { servers: [{ name: 'a', disks: [{ content: { kind: 'image', file: '/etc/passwd' } }] }] },
      },
      400,
      'image files are given when the simulator starts',
    ],
    [{ clock: 'fast' }, 400, 'clock: "fast" does not fit; allowed: real, virtual, manual'],
    [{ settings: { nonsense: 1 } }, 400, 'settings.nonsense: does not exist'],
    [{ settings: { snapshotLimit: 'many' } }, 400, 'settings.snapshotLimit: must be a number'],
    [{ settings: { granularityBytes: 7 } }, 400, 'granularityBytes must be a power of two'],
    [{ sede: 'x' }, 400, 'sede: is not a known field'],
    [{ id: 'first', seed: 'other' }, 409, 'there is a world first already'],
    [{ seed: 'control' }, 409, 'choose another seed'],
  ])('refuses %j', async (body, status, message) => {
    await using control = await openControl();
    const answer = await control.call('POST', '/worlds', body);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(JSON.stringify(message).slice(1, -1));
    expect(control.simulator.worlds()).toHaveLength(1);
  });
});

describe('the clock', () => {
  it('moves by hand, and what is due on the way happens', async () => {
    await using control = await openControl();
    const server = await firstServer(control);
    const [controlled] = control.worlds.worlds();
    controlled?.world.snapshots.create(server.id, { name: 'one', description: '' }, 'test');
    const before = await control.call('GET', `${WORLD}/clock`);
    const moved = await control.call('POST', `${WORLD}/clock/advance`, { seconds: 60 });
    expect(Number(moved.json['nowMs']) - Number(before.json['nowMs'])).toBe(60_000);
    expect(controlled?.world.tasks.list()).toMatchObject([{ status: 'finish' }]);
    expect(await journalTypes(control)).toContain('clock.moved');
  });

  it('changes its mode and says when something is due next', async () => {
    await using control = await openControl();
    const server = await firstServer(control);
    control.worlds.worlds()[0]?.world.backupResources.occupy(server.id, 60);
    const { json } = await control.call('PUT', `${WORLD}/clock`, { mode: 'x2' });
    expect(json).toMatchObject({ mode: 'x2' });
    expect((await control.call('PUT', `${WORLD}/clock`, { mode: 'manual' })).json).toMatchObject({
      mode: 'manual',
    });
  });

  it('in virtual mode, a client that starts a task finds it done at its next request', async () => {
    await using control = await openControl('virtual');
    const { world, serverId } = await worldAndServer(control);
    const startMs = world.clock.now();
    world.journal.append(request(1));
    world.snapshots.create(serverId, { name: 'one', description: '' }, 'test');
    await settleLoop();
    expect(world.clock.now()).toBe(startMs);
    world.journal.append(reply(1));
    await settleLoop();
    expect(world.tasks.list()).toMatchObject([{ status: 'finish' }]);
    expect(world.clock.now()).toBeGreaterThan(startMs);
  });

  it('in virtual mode, time waits for requests in flight', async () => {
    await using control = await openControl('virtual');
    const { world, serverId } = await worldAndServer(control);
    const startMs = world.clock.now();
    world.snapshots.create(serverId, { name: 'one', description: '' }, 'test');
    world.journal.append(request(1));
    world.journal.append(request(2));
    world.journal.append(reply(1));
    await settleLoop();
    expect(world.clock.now()).toBe(startMs);
    world.journal.append(reply(2));
    await settleLoop();
    expect(world.clock.now()).toBeGreaterThan(startMs);
  });

  it('in virtual mode, a lease does not run down while no task runs', async () => {
    await using control = await openControl('virtual');
    const { world, serverId } = await worldAndServer(control);
    const answerSomething = async (call: number) => {
      world.journal.append(request(call));
      world.journal.append(reply(call));
      await settleLoop();
    };
    world.snapshots.create(serverId, { name: 'one', description: '' }, 'test');
    await answerSomething(1);
    const lease = { serverId, type: 'backup', lockTimeSeconds: 60 } as const;
    const { resourceId } = world.backupResources.create(lease, 'test');
    await answerSomething(2);
    expect(world.backupResources.get(resourceId)).toMatchObject({ status: 'running', remainSeconds: 60 });
    await answerSomething(3);
    expect(world.backupResources.get(resourceId)).toMatchObject({ status: 'running', remainSeconds: 60 });
  });

  it.each([
    ['POST', '/clock/advance', {}, 'give either ms or seconds'],
    ['POST', '/clock/advance', { ms: 1, seconds: 1 }, 'give either ms or seconds'],
    ['POST', '/clock/advance', { ms: -1 }, 'ms: -1 does not fit'],
    ['POST', '/clock/advance', { ms: 1e18 }, 'ms: 1000000000000000000 does not fit'],
    ['PUT', '/clock', { mode: 'x0' }, 'mode: must be real, virtual, manual'],
    ['PUT', '/clock', {}, '\\"mode\\" is missing'],
  ] as const)('refuses %s %s %j', async (method, path, body, message) => {
    await using control = await openControl();
    const answer = await control.call(method, `${WORLD}${path}`, body);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(message);
  });
});

const request = (call: number) =>
  ({ type: 'rest.request', call, operation: 'x', method: 'GET', path: '/', query: {}, actor: 'a' }) as const;
const reply = (call: number) =>
  ({ type: 'rest.reply', call, operation: 'x', status: 200, code: 0, message: '' }) as const;

async function worldAndServer(control: ControlTestbed): Promise<{ world: World; serverId: string }> {
  const world = control.worlds.worlds()[0]?.world;
  if (world === undefined) throw new Error('no world');
  return { world, serverId: (await firstServer(control)).id };
}

async function settleLoop(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('faults and backup resources', () => {
  it('plans a fault, counts it and clears it', async () => {
    await using control = await openControl();
    const spec = { id: 'slow', kind: 'delay', ms: 5, when: 'before', on: 'tasks.get' };
    expect(await control.call('POST', `${WORLD}/faults`, spec)).toMatchObject({
      status: 201,
      json: { id: 'slow' },
    });
    control.worlds.worlds()[0]?.faults.strike({ on: 'tasks.get' });
    expect((await control.call('GET', `${WORLD}/faults`)).json).toMatchObject([
      { id: 'slow', seen: 1, fired: 1 },
    ]);
    expect((await control.call('DELETE', `${WORLD}/faults/slow`)).json).toEqual([]);
    expect((await control.call('DELETE', `${WORLD}/faults/slow`)).status).toBe(404);
  });

  it('refuses a fault that does not exist and says which do', async () => {
    await using control = await openControl();
    const answer = await control.call('POST', `${WORLD}/faults`, { kind: 'explode', on: '*' });
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('must be one of error, lose-reply');
    const { json } = await control.call('GET', '/fault-kinds');
    expect(json).toContainEqual(
      expect.objectContaining({ kind: 'bad-certificate', where: ['nbd'], fields: ['flaw'] }),
    );
  });

  it('describes every kind of fault in its OpenAPI document, as it takes it', async () => {
    await using control = await openControl();
    const document = JSON.parse((await control.call('GET', '/openapi.json')).text);
    const { post } = document.paths['/_backlot/v1/worlds/{world}/faults'];
    const { oneOf } = post.requestBody.content['application/json'].schema;
    const kinds = JSON.parse((await control.call('GET', '/fault-kinds')).text);
    expect(oneOf.map(({ title }: { title: string }) => title)).toEqual(
      kinds.map(({ kind }: { kind: string }) => kind),
    );
    expect(oneOf).toContainEqual(
      expect.objectContaining({
        title: 'host-gone',
        required: ['kind', 'on', 'ms'],
        properties: expect.objectContaining({
          kind: { const: 'host-gone' },
          ms: expect.objectContaining({ type: 'integer', minimum: 1 }),
        }),
      }),
    );
  });

  it('expires and preempts backup resources, and lets another product hold a server', async () => {
    await using control = await openControl();
    const server = await firstServer(control);
    const world = control.worlds.worlds()[0]?.world;
    const lock = async () => {
      const made = world?.backupResources.create(
        { serverId: server.id, type: 'backup', lockTimeSeconds: 600 },
        'test',
      );
      await control.call('POST', `${WORLD}/clock/advance`, { seconds: 10 });
      return made?.resourceId ?? '';
    };
    world?.snapshots.create(server.id, { name: 'one', description: '' }, 'test');
    await control.call('POST', `${WORLD}/clock/advance`, { seconds: 60 });
    const first = await lock();
    expect((await control.call('GET', `${WORLD}/resources`)).json).toMatchObject([
      { id: first, status: 'running' },
    ]);
    const path = `${WORLD}/resources/${encodeURIComponent(first)}/expire`;
    expect((await control.call('POST', path)).json).toMatchObject({ status: 'expired' });
    await lock();
    const preempted = await control.call('POST', `${WORLD}/servers/${server.name}/preempt`);
    expect(preempted.json).toContainEqual(expect.objectContaining({ status: 'cancelled' }));
    expect((await control.call('POST', `${WORLD}/servers/${server.id}/occupy`, { seconds: 60 })).status).toBe(
      200,
    );
  });

  it('lets a host and a datastore go away and come back', async () => {
    await using control = await openControl();
    const world = control.worlds.worlds()[0]?.world;
    const [host, store] = [world?.hosts[0]?.id, world?.datastores[0]?.id];
    await control.call('PUT', `${WORLD}/hosts/${host}`, { isOnline: false });
    await control.call('PUT', `${WORLD}/datastores/${store}`, { isOnline: false });
    expect([world?.hosts[0]?.isOnline, world?.datastores[0]?.isOnline]).toEqual([false, false]);
    await control.call('PUT', `${WORLD}/hosts/${host}`, { isOnline: true });
    expect(world?.hosts[0]?.isOnline).toBe(true);
    expect((await control.call('PUT', `${WORLD}/hosts/none`, { isOnline: true })).status).toBe(404);
  });
});

describe('what happened', () => {
  it('gives the journal from a position, as JSON lines', async () => {
    await using control = await openControl();
    await control.call('POST', `${WORLD}/clock/advance`, { ms: 1 });
    await control.call('POST', `${WORLD}/clock/advance`, { ms: 1 });
    expect(await journalTypes(control)).toEqual(['world.created', 'clock.moved', 'clock.moved']);
    expect(await journalTypes(control, '?from=1')).toEqual(['clock.moved', 'clock.moved']);
    expect(await journalTypes(control, '?from=1&limit=1')).toEqual(['clock.moved']);
    expect(await journalTypes(control, '?from=99')).toEqual([]);
    const hash = await control.call('GET', `${WORLD}/journal/hash`);
    expect(hash.json).toMatchObject({ entries: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('says that it is there, and counts', async () => {
    await using control = await openControl();
    expect((await control.call('GET', '/health')).json).toEqual({
      status: 'ok',
      version: '1.2.3',
      worlds: 1,
    });
    const { text } = await control.call('GET', '/metrics');
    expect(text).toMatch(/^# TYPE backlot_worlds gauge\nbacklot_worlds 1$/m);
    expect(text).toMatch(/^backlot_journal_entries_total \d+$/m);
  });
});

describe('the interface itself', () => {
  it('describes every route, with an operation id of its own', async () => {
    await using control = await openControl();
    const { json } = await control.call('GET', '/openapi.json');
    const paths = Object.entries(json['paths'] as Record<string, Record<string, { operationId: string }>>);
    const ids = paths.flatMap(([, methods]) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(30);
    expect(json['paths']).toHaveProperty(
      ['/_backlot/v1/worlds/{world}/servers/{server}/disks/{disk}/write', 'post', 'requestBody', 'required'],
      true,
    );
    expect((await control.call('GET', '/product-openapi.json')).json).toMatchObject({ openapi: '3.1.0' });
  });

  it.each([
    ['GET', '/nothing', undefined, 404, 'UNKNOWN_PATH'],
    ['POST', '/health', undefined, 404, 'UNKNOWN_PATH'],
    ['GET', '/worlds/nowhere', undefined, 404, 'no world nowhere; there are: first'],
    ['POST', '/worlds', Buffer.from('{'), 400, 'MALFORMED_BODY'],
    ['POST', '/worlds', Buffer.from('[]'), 400, 'INVALID_PARAMETER'],
    ['GET', `/worlds/${'x'.repeat(600)}`, undefined, 414, 'error'],
    ['GET', '/worlds/%ff', undefined, 400, 'INVALID_PARAMETER'],
  ] as const)('answers %s %s with a clear error', async (method, path, body, status, message) => {
    await using control = await openControl();
    const answer = await control.call(method, path, body);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(message);
    expect(answer.json).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
  });

  it('refuses a foreign Host, before anything else', async () => {
    await using control = await openControl();
    const answer = await control.app.inject({
      url: '/_backlot/v1/health',
      headers: { host: 'evil.example' },
    });
    expect(answer.statusCode).toBe(403);
  });
});

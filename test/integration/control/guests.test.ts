import { describe, expect, it } from 'vitest';
import { firstServer, journalTypes, openControl, WORLD } from './control-testbed.ts';

describe('the guest', () => {
  it('writes bytes and reads them back, by name or id of the server', async () => {
    await using control = await openControl();
    const server = await firstServer(control);
    const disk = (key: string) => `${WORLD}/servers/${key}/disks/ide0`;
    const bytes = Buffer.from('hello, disk');
    const written = await control.call('POST', `${disk(server.name)}/write?offset=65530`, bytes);
    expect(written.json).toEqual({ written: 11 });
    const read = await control.call('GET', `${disk(server.id)}/read?offset=65530&length=11`);
    expect(read.text).toBe('hello, disk');
    expect(await journalTypes(control)).toContain('guest.write');
  });

  it('zeros and trims', async () => {
    await using control = await openControl();
    const disk = `${WORLD}/servers/${(await firstServer(control)).id}/disks/ide0`;
    await control.call('POST', `${disk}/write?offset=0`, Buffer.alloc(131_072, 7));
    await control.call('POST', `${disk}/zero`, { offset: 10, length: 5 });
    await control.call('POST', `${disk}/trim`, { offset: 65_536, length: 65_536 });
    const answer = await control.app.inject({
      url: `/_backlot/v1${disk}/read?offset=0&length=131072`,
      headers: { host: 'localhost' },
    });
    const expected = Buffer.alloc(131_072, 7).fill(0, 10, 15).fill(0, 65_536);
    expect(answer.rawPayload.equals(expected)).toBe(true);
  });

  it('reads a snapshot as it was', async () => {
    await using control = await openControl();
    const server = await firstServer(control);
    const disk = `${WORLD}/servers/${server.id}/disks/ide0`;
    await control.call('POST', `${disk}/write?offset=0`, Buffer.from('old'));
    const { snapshotId } = control.worlds
      .worlds()[0]
      ?.world.snapshots.create(server.id, { name: 'one', description: '' }, 'test') ?? { snapshotId: '' };
    await control.call('POST', `${WORLD}/clock/advance`, { seconds: 60 });
    await control.call('POST', `${disk}/write?offset=0`, Buffer.from('new'));
    const path = `${WORLD}/servers/${server.id}/snapshots/${snapshotId}/disks/ide0/read?offset=0&length=3`;
    expect((await control.call('GET', path)).text).toBe('old');
  });

  it('writes a workload, the same for the same seed', async () => {
    await using one = await openControl();
    await using two = await openControl();
    const contents = await Promise.all(
      [one, two].map(async (control) => {
        const server = await firstServer(control);
        const disk = `${WORLD}/servers/${server.id}/disks/ide0`;
        for (const kind of ['sequential', 'random', 'hot-spot', 'small', 'trim'])
          expect((await control.call('POST', `${disk}/workload`, { kind, count: 9, seed: 's' })).status).toBe(
            200,
          );
        const answer = await control.app.inject({
          url: `/_backlot/v1${disk}/read?offset=0&length=${server.size}`,
          headers: { host: 'localhost' },
        });
        return answer.rawPayload;
      }),
    );
    expect(contents[0]?.equals(contents[1] ?? Buffer.alloc(0))).toBe(true);
    expect(contents[0]?.some((byte) => byte !== 0)).toBe(true);
  });

  it.each([
    ['GET', '/servers/nobody/disks/ide0/read?offset=0&length=1', undefined, 404, 'NOT_FOUND'],
    ['GET', '/servers/SERVER/disks/ide9/read?offset=0&length=1', undefined, 400, 'UNKNOWN_DISK'],
    ['GET', '/servers/SERVER/disks/ide0/read?offset=0', undefined, 400, 'length: must be a whole number'],
    ['GET', '/servers/SERVER/disks/ide0/read?offset=-1&length=1', undefined, 400, 'offset: must be a whole'],
    ['GET', '/servers/SERVER/disks/ide0/read?offset=9007199254740993&length=1', undefined, 400, 'offset'],
    ['GET', '/servers/SERVER/disks/ide0/read?offset=0&length=99999999', undefined, 400, 'at most'],
    [
      'GET',
      '/servers/SERVER/disks/ide0/read?offset=0&length=1&x=1',
      undefined,
      400,
      'x: is not a known query field',
    ],
    [
      'POST',
      '/servers/SERVER/disks/ide0/write?offset=999999999999',
      Buffer.from('x'),
      400,
      'are not inside ide0',
    ],
    ['POST', '/servers/SERVER/disks/ide0/zero', { offset: 0, length: 1e15 }, 400, 'are not inside ide0'],
    [
      'POST',
      '/servers/SERVER/disks/ide0/workload',
      { kind: 'odd', count: 1 },
      400,
      'kind: \\"odd\\" does not fit',
    ],
    ['POST', '/servers/SERVER/disks/ide0/workload', { kind: 'trim', count: 1e9 }, 400, 'count'],
  ] as const)('refuses %s %s', async (method, path, body, status, message) => {
    await using control = await openControl();
    const server = await firstServer(control);
    const answer = await control.call(method, `${WORLD}${path.replace('SERVER', server.id)}`, body);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(message);
  });
});

describe('guests of proxies', () => {
  it('lists the guests of proxies: what is attached and what they show', async () => {
    await using control = await openControl();
    const world = control.worlds.worlds()[0]?.world;
    const proxy = world?.servers.list().find(({ osName }) => osName !== '');
    const source = await firstServer(control);
    const made = world?.snapshots.create(source.id, { name: 's', description: '' }, 'test');
    await control.call('POST', `${WORLD}/clock/advance`, { seconds: 60 });
    world?.backupResources.create({ serverId: source.id, type: 'backup', lockTimeSeconds: 600 }, 'test');
    await control.call('POST', `${WORLD}/clock/advance`, { seconds: 60 });
    await control.call('POST', `${WORLD}/faults`, { kind: 'device-late', ms: 60_000, on: 'guest' });
    const diskId = world?.servers.get(source.id).disks[0]?.uuid ?? '';
    world?.hotAdd.add(
      proxy?.id ?? '',
      [{ diskId, purpose: 'backup', snapshotId: made?.snapshotId ?? '' }],
      'test',
    );
    const guest = { id: proxy?.id, name: proxy?.name, status: 'running' };
    await control.call('POST', `${WORLD}/clock/advance`, { seconds: 30 });
    const { json: early } = await control.call('GET', `${WORLD}/guests`);
    expect(early).toContainEqual({
      ...guest,
      attached: [expect.objectContaining({ id: diskId })],
      devices: [],
    });
    await control.call('POST', `${WORLD}/clock/advance`, { seconds: 60 });
    const { json } = await control.call('GET', `${WORLD}/guests`);
    const device = { name: 'vdb', serial: diskId.slice(0, 20), diskId };
    expect(json).toContainEqual(
      expect.objectContaining({ ...guest, devices: [expect.objectContaining(device)] }),
    );
  });

  it('attaches the disks of a server to a proxy by one call, and detaches them', async () => {
    await using control = await openControl('virtual');
    const world = control.worlds.worlds()[0]?.world;
    const source = await firstServer(control);
    const { disks } = world?.servers.get(source.id) ?? { disks: [] };
    const guest = `${WORLD}/guests/backup-proxy-1`;
    const { status, json } = await control.call('POST', `${guest}/attach`, { server: source.name });
    expect(status).toBe(200);
    const shown = disks.map(({ uuid }) =>
      expect.objectContaining({ diskId: uuid, serial: uuid.slice(0, 20) }),
    );
    expect(json).toMatchObject({ proxy: 'backup-proxy-1', devices: shown });
    expect(world?.hotAdd.list()).toHaveLength(disks.length);
    await control.call('POST', `${guest}/detach`);
    const again = await control.call('POST', `${guest}/attach`, {
      server: source.id,
      snapshot: json['snapshot'],
    });
    expect(again.json).toMatchObject({ snapshot: json['snapshot'], devices: shown });
    expect((await control.call('POST', `${guest}/detach`)).json['devices']).toEqual([]);
    expect(world?.hotAdd.list()).toEqual([]);
    expect(world?.snapshots.list(source.id)).toHaveLength(1);
  });

  it('says why a disk could not be detached', async () => {
    await using control = await openControl('virtual');
    const { name } = await firstServer(control);
    const guest = `${WORLD}/guests/backup-proxy-1`;
    await control.call('POST', `${guest}/attach`, { server: name });
    await control.call('POST', `${WORLD}/faults`, { kind: 'detach-hangs', ms: 0, on: 'guest' });
    const { status, text } = await control.call('POST', `${guest}/detach`);
    expect(status).toBe(409);
    expect(text).toContain('did not release');
  });

  it('waits half a minute for a device that never appears', async () => {
    await using control = await openControl('x1000');
    await control.call('POST', `${WORLD}/faults`, { kind: 'device-never', on: 'guest' });
    const { name } = await firstServer(control);
    const { json } = await control.call('POST', `${WORLD}/guests/backup-proxy-1/attach`, { server: name });
    const world = control.worlds.worlds()[0]?.world;
    const attached = world?.hotAdd.list() ?? [];
    expect(attached.length).toBeGreaterThan(0);
    expect(json['devices']).toHaveLength(attached.length - 1);
  });

  it.each([
    ['backup-proxy-2', {}, 400, 'stopped'],
    ['itself', {}, 400, 'not a backup proxy'],
    ['nobody', {}, 404, 'nobody'],
    ['backup-proxy-1', { snapshot: 'none' }, 404, 'NOT_FOUND'],
    ['backup-proxy-1', { server: 7 }, 400, 'server: '],
  ])('refuses to attach to %s with %o', async (proxy, change, status, words) => {
    await using control = await openControl('virtual');
    const { name } = await firstServer(control);
    const body = { server: name, ...change };
    const target = proxy === 'itself' ? name : proxy;
    const answer = await control.call('POST', `${WORLD}/guests/${target}/attach`, body);
    expect(answer.text).toContain(words);
    expect(answer.status).toBe(status);
  });
});

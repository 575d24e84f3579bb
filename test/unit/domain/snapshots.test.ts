import { describe, expect, it } from 'vitest';
import { codeOf } from './refusal.ts';
import { DISK, GRAIN, SERVER, type SmallWorld, finish, serverSpec, smallWorld } from './small-world.ts';

const off = (): SmallWorld => smallWorld([serverSpec({ isRunning: false })]);

async function take(small: SmallWorld, name: string, more: { type?: string; isQuiesced?: boolean } = {}) {
  const made = small.world.snapshots.create(SERVER, { name, description: '', ...more }, 'me');
  await finish(small, made);
  return made.snapshotId;
}

function tree({ world }: SmallWorld): Record<string, string> {
  const all = world.snapshots.list(SERVER);
  const nameOf = (id: string): string => all.find((snapshot) => snapshot.id === id)?.name ?? id;
  return Object.fromEntries(
    all.map((snapshot) => [snapshot.name + (snapshot.isLatest ? '*' : ''), nameOf(snapshot.parentId)]),
  );
}

describe('creating a snapshot', () => {
  it('holds the bytes of the instant of the call, not of the end of its task', async () => {
    const small = smallWorld();
    const { guest, snapshots } = small.world;
    await guest.write(SERVER, DISK, 0, Buffer.from('before'));
    const { taskId, snapshotId } = snapshots.create(SERVER, { name: 'a', description: '' }, 'me');
    await guest.write(SERVER, DISK, 0, Buffer.from('during'));
    expect(snapshots.get(SERVER, snapshotId).status).toBe('creating');
    await finish(small, { taskId });
    expect(snapshots.get(SERVER, snapshotId).status).toBe('normal');
    expect(Buffer.from(await guest.readSnapshot(SERVER, snapshotId, DISK, 0, 6)).toString()).toBe('before');
  });

  it.each([
    ['current', ''],
    ['', ''],
    ['n'.repeat(91), ''],
    ['a', 'd'.repeat(91)],
  ])('refuses the name %j with the description %j', (name, description) => {
    expect(codeOf(() => smallWorld().world.snapshots.create(SERVER, { name, description }, 'me'))).toBe(
      'INVALID_PARAMETER',
    );
  });

  it('takes names and descriptions of 90 characters', async () => {
    const small = smallWorld();
    await take(small, 'n'.repeat(90));
    expect(small.world.snapshots.list(SERVER)).toHaveLength(1);
  });

  it('stops at the limit', async () => {
    const small = smallWorld(undefined, { settings: { snapshotLimit: 2 } });
    await take(small, 'a');
    await take(small, 'b');
    expect(codeOf(() => small.world.snapshots.create(SERVER, { name: 'c', description: '' }, 'me'))).toBe(
      'SNAPSHOT_LIMIT',
    );
  });

  it('keeps to one kind of snapshot, external ones by default', async () => {
    const small = smallWorld();
    await take(small, 'a');
    expect(small.world.snapshots.list(SERVER)[0]?.type).toBe('external_qcow2');
    await take(small, 'b', { type: 'external_qcow2' });
    expect(() =>
      small.world.snapshots.create(SERVER, { name: 'c', description: '', type: 'vs' }, 'me'),
    ).toThrow('snap_type');
    expect(() =>
      small.world.snapshots.create(SERVER, { name: 'c', description: '', type: 'rbd' }, 'me'),
    ).toThrow('snap_type');
  });

  it('is quiesced only where the guest has vmtools', async () => {
    for (const [vmtools, expected] of [
      [1, true],
      [0, false],
    ] as const) {
      const small = smallWorld([serverSpec({ vmtools })]);
      const id = await take(small, 'a', { isQuiesced: true });
      expect(small.world.snapshots.get(SERVER, id).isQuiesced).toBe(expected);
    }
  });

  it('keeps the server as it was', async () => {
    const small = smallWorld();
    const id = await take(small, 'a');
    await finish(small, small.world.servers.edit(SERVER, { name: 'renamed' }, 'me'));
    small.world.guest.writeSynthetic(SERVER, DISK, 0, 4);
    const { server } = small.world.snapshots.get(SERVER, id);
    expect([server.name, server.disks[0]?.allocatedBytes]).toEqual(['erp-01', 0]);
  });
});

describe('the tree of snapshots', () => {
  it('grows from the latest, forks after a recovery and is mended by a deletion', async () => {
    const small = off();
    const a = await take(small, 'a');
    const b = await take(small, 'b');
    await take(small, 'c');
    expect(tree(small)).toEqual({ a: '', b: 'a', 'c*': 'b' });
    await finish(small, small.world.snapshots.recover(SERVER, a, { backup: false, powerOn: false }, 'me'));
    await take(small, 'd');
    expect(tree(small)).toEqual({ a: '', b: 'a', c: 'b', 'd*': 'a' });
    await finish(small, small.world.snapshots.delete(SERVER, [a, b], 'me'));
    expect(tree(small)).toEqual({ c: '', 'd*': '' });
  });

  it('hands the title of latest to the parent', async () => {
    const small = smallWorld();
    await take(small, 'a');
    const b = await take(small, 'b');
    await finish(small, small.world.snapshots.delete(SERVER, [b], 'me'));
    expect(tree(small)).toEqual({ 'a*': '' });
  });
});

describe('deleting snapshots', () => {
  it('takes as long as the merge of what was written since', async () => {
    const small = smallWorld(undefined, { settings: { mergeBytesPerSecond: GRAIN } });
    const { world, clock } = small;
    const id = await take(small, 'a');
    world.guest.writeSynthetic(SERVER, DISK, 2, 7);
    const { taskId } = world.snapshots.delete(SERVER, [id], 'me');
    await clock.advanceBy(7_999);
    expect(world.snapshots.get(SERVER, id).status).toBe('deleting');
    await clock.advanceBy(1);
    expect(world.tasks.get(taskId).status).toBe('finish');
    expect(codeOf(() => world.snapshots.get(SERVER, id))).toBe('NOT_FOUND');
  });

  it('refuses all when one is protected or unknown, before anything is deleted', async () => {
    const small = smallWorld();
    const { snapshots } = small.world;
    const a = await take(small, 'a');
    const b = await take(small, 'b');
    await finish(small, snapshots.edit(SERVER, b, { name: 'b', isProtected: true }, 'me'));
    expect(codeOf(() => snapshots.delete(SERVER, [a, b], 'me'))).toBe('SNAPSHOT_PROTECTED');
    expect(codeOf(() => snapshots.delete(SERVER, [a, 'nothing'], 'me'))).toBe('NOT_FOUND');
    expect(codeOf(() => snapshots.delete(SERVER, [], 'me'))).toBe('INVALID_PARAMETER');
    expect(snapshots.list(SERVER).map((snapshot) => snapshot.status)).toEqual(['normal', 'normal']);
  });

  it('leaves the bytes of the others and of the live disk alone', async () => {
    const small = smallWorld();
    const { guest } = small.world;
    const ids: string[] = [];
    for (const text of ['one', 'two', 'six']) {
      await guest.write(SERVER, DISK, 0, Buffer.from(text));
      ids.push(await take(small, text));
    }
    await finish(small, small.world.snapshots.delete(SERVER, [ids[1] ?? ''], 'me'));
    const text = async (id: string) =>
      Buffer.from(await guest.readSnapshot(SERVER, id, DISK, 0, 3)).toString();
    expect([await text(ids[0] ?? ''), await text(ids[2] ?? '')]).toEqual(['one', 'six']);
  });
});

describe('recovering from a snapshot', () => {
  it('brings the bytes back, with a snapshot of what was there on request', async () => {
    const small = off();
    const { world } = small;
    await world.guest.write(SERVER, DISK, 0, Buffer.from('old'));
    const id = await take(small, 'a');
    await world.guest.write(SERVER, DISK, 0, Buffer.from('new'));
    await finish(small, world.snapshots.recover(SERVER, id, { backup: true, powerOn: true }, 'me'));
    expect(Buffer.from(await world.guest.read(SERVER, DISK, 0, 3)).toString()).toBe('old');
    const saved = world.snapshots.list(SERVER).find((snapshot) => snapshot.id !== id);
    expect(saved?.status).toBe('normal');
    const bytes = await world.guest.readSnapshot(SERVER, saved?.id ?? '', DISK, 0, 3);
    expect(Buffer.from(bytes).toString()).toBe('new');
    expect(world.servers.get(SERVER).status).toBe('running');
  });

  it('is refused while the server runs', async () => {
    const small = smallWorld();
    const id = await take(small, 'a');
    const options = { backup: false, powerOn: false };
    expect(codeOf(() => small.world.snapshots.recover(SERVER, id, options, 'me'))).toBe('SERVER_STATE');
  });

  it('is refused while a backup resource has the server', async () => {
    const small = off();
    const id = await take(small, 'a');
    const request = { serverId: SERVER, type: 'backup', lockTimeSeconds: 60 } as const;
    await finish(small, small.world.backupResources.create(request, 'me'));
    const options = { backup: false, powerOn: false };
    expect(codeOf(() => small.world.snapshots.recover(SERVER, id, options, 'me'))).toBe('SERVER_LOCKED');
  });
});

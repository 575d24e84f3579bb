import { describe, expect, it } from 'vitest';
import { actorsOf, createClassifier, proxiesOf } from '../../../harness/explore/race-actors.ts';
import { findCollisions } from '../../../harness/explore/collisions.ts';
import type { JournalEntry } from '../../../src/kernel/journal.ts';
import type { HttpRequest } from '../../../src/sdk/http-transport.ts';
import { raceWorld } from './race-world.ts';

describe('who races in a world', () => {
  it('is every server but the proxies, by letter', () => {
    const world = raceWorld();
    expect(actorsOf(world).map(({ letter, serverName }) => `${letter} ${serverName}`)).toEqual([
      'A vm1',
      'B vm2',
    ]);
    expect(proxiesOf(world).map(({ name }) => name)).toEqual(['proxy-1']);
  });

  it('is told by the disks that a call names', () => {
    const world = raceWorld();
    const [one, two] = actorsOf(world);
    const [proxy] = proxiesOf(world);
    const disk = world.servers.get(two?.serverId ?? '').disks[0]?.uuid;
    const classify = createClassifier(world);
    const post = (path: string, body: unknown): HttpRequest => ({
      method: 'POST',
      path,
      headers: {},
      body: JSON.stringify(body),
    });
    const disks = `/janus/20240725/servers/${proxy?.id}/disks`;
    expect(classify(post(disks, { disks: [{ disk_id: 'x', source_server_id: one?.serverId }] }))).toEqual({
      actor: 'A',
      act: '+',
    });
    expect(classify(post(`${disks}/action`, { action: 'delete', disk_ids: [disk] }))).toEqual({
      actor: 'B',
      act: '-',
    });
    const power = `/janus/20180725/servers/${proxy?.id}/stop`;
    expect(classify(post(power, { force: 0 }))).toEqual({ actor: 'B', act: 'off' });
    expect(classify(post(`/janus/20180725/servers/${one?.serverId}/stop`, {}))).toBeUndefined();
    expect(classify({ ...post(disks, {}), method: 'GET' })).toBeUndefined();
  });
});

describe('collisions of disk tasks', () => {
  const task = (
    id: string,
    t: number,
    status: string,
    action = 'hotadd.add',
    server = 'proxy',
  ): JournalEntry =>
    ({ type: 'task', task: id, action, status, server, progress: 0, n: t, t }) as JournalEntry;

  it('are tasks that begin while another runs on the same proxy', () => {
    const journal = [
      task('1', 0, 'waiting'),
      task('2', 0, 'waiting', 'hotadd.remove'),
      task('3', 1, 'waiting', 'hotadd.add', 'another proxy'),
      task('2', 2, 'failure', 'hotadd.remove'),
      task('4', 3, 'waiting', 'hotadd.remove'),
      task('1', 4, 'finish'),
      task('4', 5, 'finish', 'hotadd.remove'),
      task('5', 6, 'waiting'),
    ];
    expect(findCollisions(journal).map(({ kind, isSameInstant }) => `${kind} ${isSameInstant}`)).toEqual([
      'add/remove true',
      'add/remove false',
    ]);
  });
});

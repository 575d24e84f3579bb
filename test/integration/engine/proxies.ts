/** What tests of HotAdd look at and do, besides what the engine does. */
import { expect } from 'vitest';
import { expectNothingLeft } from './expect-image.ts';
import type { Rig } from './rig.ts';

export const HOTADD_JOB = { server: 'erp-01', transport: 'hotadd' } as const;
/** Reachable by both proxies; the first one is taken first. */
export const TWO_PROXIES = [{ name: 'proxy-1' }, { name: 'proxy-2', host: 1 }] as const;

export function statusOf(rig: Rig, name: string): string {
  return rig.hosted.world.servers.find(name).status;
}

/** Also on the proxies nothing is left. */
export async function expectProxiesClean(rig: Rig): Promise<void> {
  expect(rig.hosted.world.hotAdd.list()).toEqual([]);
  await expectNothingLeft(rig);
}

/** Names of the proxies on which devices appeared, in that order, without repetition. */
export function usedProxies(rig: Rig): readonly string[] {
  const ids = rig.hosted.world.journal.entries.flatMap((entry) =>
    entry.type === 'guest.device' && entry.change === 'appears' ? [entry.server] : [],
  );
  return [...new Set(ids)].map((id) => rig.hosted.world.servers.get(id).name);
}

/** Lets virtual time pass until something has come about. */
export async function passTimeUntil(rig: Rig, hasCome: () => boolean): Promise<void> {
  for (let step = 0; step < 10_000 && !hasCome(); step++) await rig.clock.advanceBy(100);
  expect(hasCome(), 'what was waited for has come about').toBe(true);
}

/** Somebody else locks a server; returns how its first disk is attached to a proxy, which takes a few seconds. */
export async function prepareStranger(
  rig: Rig,
  server: string,
): Promise<{ diskId: string; add: (proxy: string) => void; remove: (proxy: string) => void }> {
  const { servers, snapshots, backupResources, hotAdd } = rig.hosted.world;
  const { id, disks } = servers.find(server);
  const { snapshotId } = snapshots.create(id, { name: 'strangers', description: '' }, 'stranger');
  await rig.clock.advanceBy(30_000);
  backupResources.create({ serverId: id, type: 'backup', lockTimeSeconds: 7200 }, 'stranger');
  await rig.clock.advanceBy(30_000);
  const diskId = disks[0]?.uuid ?? '';
  const request = { diskId, purpose: 'backup', snapshotId, sourceServerId: id } as const;
  return {
    diskId,
    add: (proxy) => void hotAdd.add(servers.find(proxy).id, [request], 'stranger'),
    remove: (proxy) => void hotAdd.remove(servers.find(proxy).id, [diskId], 'stranger'),
  };
}

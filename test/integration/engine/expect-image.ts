import { expect } from 'vitest';
import { findLockViolations } from '../../../harness/oracle/lock-oracle.ts';
import type { Rig } from './rig.ts';

/** The point holds exactly what the server's disks hold now. */
export async function expectSameAsLive(rig: Rig, pointId: string): Promise<void> {
  const { server } = rig;
  expect(server.disks.length).toBeGreaterThan(0);
  for (const { deviceId, sizeBytes } of server.disks) {
    const live = await rig.disk(server.id, deviceId);
    expect(live.length).toBe(sizeBytes);
    expectSameBytes(await rig.stored(pointId, deviceId), live, deviceId);
  }
}

export function expectSameBytes(actual: Buffer, expected: Buffer, what: string): void {
  expect(expected.length, `${what}: a comparison over nothing proves nothing`).toBeGreaterThan(0);
  if (actual.equals(expected)) return;
  const at = expected.findIndex((byte, offset) => actual[offset] !== byte);
  expect.fail(`${what} differs at ${at} (lengths ${actual.length} and ${expected.length})`);
}

/** Nothing of the engine is left on the platform, nor a note about it in the repository. */
export async function expectNothingLeft(rig: Rig): Promise<void> {
  expect(rig.snapshots().map((snapshot) => snapshot.name)).toEqual([]);
  const held = rig.hosted.world.backupResources.list().filter(({ status }) => /pending|running/.test(status));
  expect(held).toEqual([]);
  expect(await runNotes(rig)).toEqual([]);
}

/** Keys of the notes that runs have left, each of which names something on the platform. */
export async function runNotes({ repository }: Rig): Promise<readonly string[]> {
  return (await repository.noteKeys()).filter((key) => key.startsWith('run-'));
}

const ORDERED = {
  deleteSnapshot: ['snapshots.delete'],
  deleteResource: ['backup-resources.delete'],
  hotRemove: ['hot-add.remove'],
};

/** Nothing was taken away under what stands on it: disks, then the backup resource, then the snapshot. */
export function expectLocksKept(rig: Rig): void {
  const { journal, credentials } = rig.hosted.world;
  const actors = new Set(credentials.flatMap(({ accessKey, username }) => [accessKey, username]));
  expect(findLockViolations(journal.entries, ORDERED, actors)).toEqual([]);
}

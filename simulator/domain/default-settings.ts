/** The ways of a world that nobody told otherwise. */
import type { TaskAction, WorldSettings } from './world-api.ts';

/** Durations are invented, in the order of magnitude that clients report. @fidelity assumed */
const TASK_MS: Readonly<Record<TaskAction, number>> = {
  start: 3_000,
  stop: 4_000,
  'snapshot.create': 2_000,
  'snapshot.edit': 300,
  'snapshot.delete': 1_000,
  'snapshot.recovery': 5_000,
  'cbt.set': 500,
  'backup-resource.create': 1_500,
  'backup-resource.renew': 200,
  'backup-resource.delete': 500,
  'server.create': 4_000,
  'server.delete': 2_000,
  'server.edit': 500,
  'hotadd.add': 2_000,
  'hotadd.remove': 1_000,
  'guest.exec': 500,
};

export const DEFAULT_SETTINGS: WorldSettings = {
  // @source on-host CBT record of HCI 6.12: 214,748,364,800 bytes are 3,276,800 clusters @fidelity observed
  granularityBytes: 65_536,
  changedAreasCoverBytes: 2 ** 40,
  changedAreasPerPage: 4_096,
  tokenLifetimeSeconds: 86_400,
  // @source product documentation, storage snapshots: at most 48 @fidelity documented
  snapshotLimit: 48,
  endedResourceKeptSeconds: 300,
  taskMs: TASK_MS,
  // @source host configuration of HCI 6.12, merge rate @fidelity observed
  mergeBytesPerSecond: 83_886_080,
  isStrict204: false,
  isRateLimited: false,
  isTlsRequired: false,
  isTlsOffered: true,
  isHotAddOffered: true,
  // @source release notes of HCI 6.11.1: 64 disks for a virtual machine @fidelity documented
  diskLimit: 64,
  // @fidelity assumed
  unplugTimeoutSeconds: 60,
};

/** @throws RangeError on a setting that no world can live with */
export function completeSettings(given: Partial<WorldSettings> = {}): WorldSettings {
  const settings = { ...DEFAULT_SETTINGS, ...given, taskMs: { ...TASK_MS, ...given.taskMs } };
  const { granularityBytes: grain } = settings;
  if (grain < 512 || grain > 2 ** 20 || (grain & (grain - 1)) !== 0)
    throw new RangeError(`granularityBytes must be a power of two from 512 to 1048576, not ${grain}`);
  if (settings.changedAreasCoverBytes < grain || settings.changedAreasPerPage < 1)
    throw new RangeError('a changed-areas answer must cover at least one block');
  if (settings.isTlsRequired && !settings.isTlsOffered)
    throw new RangeError('exports can be had over TLS only where TLS is offered');
  return settings;
}

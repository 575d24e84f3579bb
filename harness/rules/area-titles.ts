import type { RuleArea } from './rule-api.ts';

/** What the letters of the areas stand for. */
export const AREA_TITLES: Readonly<Record<RuleArea, string>> = {
  AUTH: 'Logging in and being heard',
  CBT: 'Changed block tracking',
  SNAP: 'Snapshots',
  LOCK: 'Backup resources and their expiry',
  NBD: 'Reading and writing over NBD',
  HOTADD: 'Disks hot-added to a proxy',
  RESTORE: 'Restoring',
  CLEAN: 'Leaving nothing behind',
  LIMIT: 'Limits of the platform',
  DATA: 'The bytes themselves',
};

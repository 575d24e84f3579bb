/**
 * Refusals that a sound platform may give to a call at any time: something else is going on, or is full. A refusal that
 * would be a lie about what the engine holds (a lock that is gone and is not) is none of them.
 */
export const REFUSALS = {
  SERVER_BUSY: [
    'snapshots.create',
    'snapshots.delete',
    'servers.start',
    'servers.stop',
    'servers.delete',
    'cbt.set',
  ],
  SNAPSHOT_LIMIT: ['snapshots.create'],
  SNAPSHOT_IN_USE: ['snapshots.delete'],
  RESOURCE_OCCUPIED: ['backup-resources.create'],
  HOTADD_CONFLICT: ['hot-add.add', 'hot-add.remove', 'hci.hot-add.add', 'hci.hot-add.remove'],
  DISK_LIMIT: ['hot-add.add', 'hci.hot-add.add'],
  NO_HOST: ['servers.create-from-config', 'servers.start'],
  NO_SPACE: ['servers.create-from-config', 'snapshots.create'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type RefusalCode = keyof typeof REFUSALS;

export const REFUSAL_CODES = Object.keys(REFUSALS) as readonly RefusalCode[];

export function mayRefuse(code: RefusalCode, operation: string): boolean {
  const operations: readonly string[] = REFUSALS[code];
  return operations.includes(operation);
}

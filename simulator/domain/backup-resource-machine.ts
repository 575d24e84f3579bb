/**
 * The states of a backup resource.
 *
 * @source SCP OpenAPI 6.11.1, backup-resources: the seven states @fidelity documented; the transitions are assumed
 */
import type { BackupResourceStatus } from './world-api.ts';

export type BackupResourceEvent =
  /** Its task has ended well: the lease begins. */
  | 'granted'
  /** Its task found another holder. */
  | 'refused'
  /** Its task has failed. */
  | 'broken'
  | 'renewed'
  | 'deadline-passed'
  | 'deleted'
  | 'preempted'
  | 'host-lost';

type Transitions = Readonly<Partial<Record<BackupResourceEvent, BackupResourceStatus>>>;

export const TRANSITIONS = {
  pending: {
    granted: 'running',
    refused: 'occupied',
    broken: 'failed',
    renewed: 'pending',
    deleted: 'released',
    preempted: 'cancelled',
    'host-lost': 'failed',
  },
  running: {
    renewed: 'running',
    'deadline-passed': 'expired',
    deleted: 'released',
    preempted: 'cancelled',
    'host-lost': 'failed',
  },
  expired: {},
  occupied: {},
  cancelled: {},
  released: {},
  failed: {},
} as const satisfies Record<BackupResourceStatus, Transitions>;

/** The state after `event`, or `undefined` where the event means nothing. */
export function nextStatus(
  status: BackupResourceStatus,
  event: BackupResourceEvent,
): BackupResourceStatus | undefined {
  const row: Transitions = TRANSITIONS[status];
  return row[event];
}

export function isEnded(status: BackupResourceStatus): boolean {
  return Object.keys(TRANSITIONS[status]).length === 0;
}

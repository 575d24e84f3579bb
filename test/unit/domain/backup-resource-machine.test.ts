import { describe, expect, it } from 'vitest';
import {
  type BackupResourceEvent,
  TRANSITIONS,
  isEnded,
  nextStatus,
} from '../../../simulator/domain/backup-resource-machine.ts';
import type { BackupResourceStatus } from '../../../simulator/domain/world-api.ts';

const EVENTS: readonly BackupResourceEvent[] = [
  'granted',
  'refused',
  'renewed',
  'deadline-passed',
  'deleted',
  'preempted',
  'host-lost',
];

describe('the states of a backup resource', () => {
  it('are seven, of which five are ends', () => {
    const states = Object.keys(TRANSITIONS) as BackupResourceStatus[];
    expect(states).toHaveLength(7);
    expect(states.filter(isEnded).sort()).toEqual(['cancelled', 'expired', 'failed', 'occupied', 'released']);
  });

  it('are left by no event once ended', () => {
    for (const status of ['cancelled', 'expired', 'failed', 'occupied', 'released'] as const)
      for (const event of EVENTS) expect(nextStatus(status, event)).toBeUndefined();
  });

  it('begin to run only from pending, and expire only from running', () => {
    expect(nextStatus('pending', 'granted')).toBe('running');
    expect(nextStatus('running', 'granted')).toBeUndefined();
    expect(nextStatus('running', 'deadline-passed')).toBe('expired');
    expect(nextStatus('pending', 'deadline-passed')).toBeUndefined();
  });
});

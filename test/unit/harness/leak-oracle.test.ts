import { describe, expect, it } from 'vitest';
import { findLeaks, type LeakQuestion, type WorldState } from '../../../harness/oracle/leak-oracle.ts';
import type { JournalEntry } from '../../../src/kernel/journal.ts';

const before: WorldState = {
  servers: [{ id: 'vm-1', name: 'vm1', status: 'running' }],
  snapshots: [{ id: 'snap-foreign', name: 'nightly', server: 'vm-1' }],
  resources: [],
  tasks: [],
  hotAddedDisks: [{ id: 'proxy/foreign', disk: 'foreign', proxy: 'proxy', slot: 'virtio1' }],
};

const question = (change: Partial<LeakQuestion>): LeakQuestion => ({
  before,
  after: before,
  journal: [],
  operator: { made: new Set(), removed: new Set(), powered: new Set() },
  allowed: [],
  ...change,
});

const opened: JournalEntry = { n: 4, t: 0, type: 'nbd.open', connection: 9, address: '192.0.2.1' };

describe('leak oracle', () => {
  it('finds nothing in a world that is as it was', () => {
    const closed: JournalEntry = { n: 5, t: 0, type: 'nbd.close', connection: 9, why: 'disc' };
    expect(findLeaks(question({ journal: [opened, closed] }))).toEqual([]);
  });

  it.each<[string, Partial<WorldState>, string]>([
    [
      'a snapshot',
      { snapshots: [...before.snapshots, { id: 's2', name: 'backlot', server: 'vm-1' }] },
      'snapshot backlot was left',
    ],
    [
      'a running backup resource',
      { resources: [{ id: 'r1', server: 'vm-1', status: 'running' }] },
      'backup resource was left running on server vm-1',
    ],
    [
      'an unfinished task',
      { tasks: [{ id: 't1', action: 'snapshot.delete' }] },
      'task snapshot.delete was left unfinished',
    ],
    [
      'a server',
      { servers: [...before.servers, { id: 'vm-2', name: 'vm1-restored', status: 'stopped' }] },
      'server vm1-restored was left',
    ],
    [
      'a disk that is still attached to a proxy',
      {
        hotAddedDisks: [
          ...before.hotAddedDisks,
          { id: 'proxy/d1', disk: 'd1', proxy: 'proxy', slot: 'virtio2' },
        ],
      },
      'disk d1 was left attached to proxy as virtio2',
    ],
    ['a foreign disk that was detached', { hotAddedDisks: [] }, 'foreign hot-added-disk was removed'],
    ['a removed foreign snapshot', { snapshots: [] }, 'foreign snapshot was removed'],
    [
      'a server that was switched off',
      { servers: [{ id: 'vm-1', name: 'vm1', status: 'stopped' }] },
      'server vm1 was running and is stopped',
    ],
  ])('finds %s', (_what, change, text) => {
    expect(findLeaks(question({ after: { ...before, ...change } })).map((leak) => leak.what)).toEqual([text]);
  });

  it('finds an NBD connection that was never closed and shows where it was opened', () => {
    expect(findLeaks(question({ journal: [opened] }))).toEqual([
      { kind: 'connection', id: '9', what: 'NBD connection was left open', evidence: [4] },
    ]);
  });

  it('leaves alone what the operator made and what is meant to stay', () => {
    const after = {
      ...before,
      snapshots: [...before.snapshots, { id: 's2', name: 'manual', server: 'vm-1' }],
      resources: [{ id: 'r1', server: 'vm-1', status: 'running' }],
    };
    const operator = { made: new Set(['s2']), removed: new Set<string>(), powered: new Set<string>() };
    expect(findLeaks(question({ after, operator, allowed: ['backup-resource'] }))).toEqual([]);
  });

  const ofSnapshot = (n: number, from: string, to: string): JournalEntry => {
    return { n, t: 0, type: 'state', entity: 'snapshot', id: 's2', from, to, server: 'vm-1' };
  };

  it.each([
    ['was taken back by the platform while it was made', [ofSnapshot(1, 'creating', 'deleted')], []],
    [
      'was there and is gone',
      [ofSnapshot(1, 'creating', 'normal'), ofSnapshot(2, 'deleting', 'deleted')],
      ['foreign snapshot was removed'],
    ],
  ])('asks whether what the operator made was ever there: it %s', (_what, journal, leaks) => {
    const operator = { made: new Set(['s2']), removed: new Set<string>(), powered: new Set<string>() };
    expect(findLeaks(question({ journal, operator })).map(({ what }) => what)).toEqual(leaks);
  });

  it('does not let a server run that was off, although it crashed meanwhile', () => {
    const off = { ...before, servers: [{ id: 'vm-1', name: 'vm1', status: 'stopped' }] };
    const journal = [power(1, 'stopped', 'it crashed'), power(2, 'running', 'start')];
    expect(findLeaks(question({ before: off, journal })).map(({ what }) => what)).toEqual([
      'server vm1 was stopped and is running',
    ]);
  });

  const power = (n: number, to: string, why: string): JournalEntry => {
    return { n, t: 0, type: 'state', entity: 'server', id: 'vm-1', from: 'running', to, server: 'vm-1', why };
  };

  it.each([
    ['went off by itself', [power(1, 'stopped', 'it crashed')], []],
    [
      'went off by itself, was started for a job and powered off behind it',
      [power(1, 'stopped', 'it crashed'), power(2, 'running', 'start'), power(3, 'stopped', 'stop')],
      [],
    ],
    ['was stopped', [power(1, 'stopped', 'stop')], ['server vm1 was running and is stopped']],
  ])('looks for who did it when a server %s', (_what, journal, leaks) => {
    const after = { ...before, servers: [{ id: 'vm-1', name: 'vm1', status: 'stopped' }] };
    expect(findLeaks(question({ after, journal })).map(({ what }) => what)).toEqual(leaks);
  });
});

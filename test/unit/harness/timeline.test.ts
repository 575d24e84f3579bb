import { describe, expect, it } from 'vitest';
import { type Cast, COMMON_LANES } from '../../../harness/report/timeline-marks.ts';
import { renderTimeline } from '../../../harness/report/timeline.ts';
import type { JournalEntry, JournalEvent } from '../../../src/kernel/journal.ts';

const VM1 = 'server-of-the-first';
const VM2 = 'server-of-the-second';
const DISK = 'disk-of-the-first';

const cast: Cast = {
  startMs: 1000,
  lanes: [
    { key: 'A', title: 'A: vm1', weight: 2 },
    { key: 'B', title: 'B: vm2', weight: 2 },
    ...Object.values(COMMON_LANES),
  ],
  owners: new Map([
    [VM1, 'A'],
    [VM2, 'B'],
    [DISK, 'A'],
  ]),
  names: new Map([
    [VM1, 'vm1'],
    [DISK, 'vm1/ide0'],
    ['proxy', 'proxy-1'],
  ]),
};

function journalOf(...events: readonly (readonly [number, JournalEvent])[]): readonly JournalEntry[] {
  return events.map(([ms, event], n) => ({ n, t: 1000 + ms, ...event }));
}

function request(operation: string, path: string, body: object = {}): JournalEvent {
  return {
    type: 'rest.request',
    call: 1,
    operation,
    method: 'POST',
    path,
    query: {},
    body: { ...body },
    actor: 'a',
  };
}

function task(status: 'waiting' | 'doing' | 'finish' | 'failure', description?: string): JournalEvent {
  const more = description === undefined ? {} : { description };
  return {
    type: 'task',
    task: 'task-1',
    action: 'hotadd.add',
    status,
    progress: 0,
    object: 'proxy',
    ...more,
  };
}

const ADD = request('hot-add.add', '/servers/proxy/disks', { disks: [{ disk_id: DISK }] });

describe('a timeline', () => {
  it('puts what happened into lanes, with a bar where something goes on', () => {
    const journal = journalOf(
      [0, ADD],
      [0, task('waiting')],
      [
        0,
        {
          type: 'rest.reply',
          call: 1,
          operation: 'hot-add.add',
          status: 200,
          code: 0,
          message: '',
          data: { task_id: 'task-1' },
        },
      ],
      [40, task('doing')],
      [50, request('snapshots.create', `/servers/${VM2}/snapshots`)],
      [400, task('finish')],
      [500, request('hot-add.remove', '/servers/proxy/disks/action', { disk_ids: [DISK] })],
    );
    expect(renderTimeline(journal, { cast, columns: 80 }).split('\n')).toEqual([
      ' seconds  A: vm1            B: vm2            tasks',
      '          ----------------  ----------------  ---------------------------------',
      '   0.000  ADD',
      '                                              A: add proxy-1 begins',
      '   0.050                    snapshot          |',
      '   0.400                                      A: add proxy-1 done',
      '   0.500  REMOVE',
    ]);
  });

  it('breaks a long reason into lines of its lane', () => {
    const journal = journalOf(
      [0, task('waiting')],
      [1, task('failure', 'Another disk task is running on the backup proxy.')],
    );
    expect(renderTimeline(journal, { cast, columns: 40 }).split('\n').slice(2)).toEqual([
      '   0.000  add proxy-1 begins',
      '   0.001  add proxy-1 FAILS: Another',
      '          disk task is running on the',
      '          backup proxy.',
    ]);
  });

  it('adds reads up, also over calls that only look', () => {
    const io: JournalEvent = {
      type: 'guest.io',
      server: 'proxy',
      device: 'vdb',
      disk: DISK,
      command: 'READ',
      offset: 0,
      length: 512,
      error: 0,
    };
    const look: JournalEvent = { ...request('tasks.get', '/tasks/1'), method: 'GET' } as JournalEvent;
    const journal = journalOf([0, io], [1, look], [2, io], [3, { ...io, error: 5 }], [4, io]);
    expect(renderTimeline(journal, { cast, columns: 60 }).split('\n').slice(2)).toEqual([
      '   0.000  vm1/ide0 read 2x',
      '   0.003  vm1/ide0 read error 5',
      '   0.004  vm1/ide0 read',
    ]);
  });

  it('begins where it is told to, with the bars of what began before', () => {
    const journal = journalOf([0, ADD], [0, task('waiting')], [50, ADD], [400, task('finish')]);
    expect(renderTimeline(journal, { cast, columns: 60, from: 2 }).split('\n').slice(2)).toEqual([
      '   0.050  ADD               |',
      '   0.400                    add proxy-1 done',
    ]);
  });

  it('shows refusals, lost answers and faults beside the calls of the actors', () => {
    const reply = { type: 'rest.reply', call: 1, operation: 'hot-add.add', code: 1 } as const;
    const journal = journalOf(
      [0, { ...reply, status: 400, message: 'It is off.' }],
      [1, { ...reply, status: 200, message: '', isLost: true }],
      [2, { type: 'fault.fired', fault: 'f', kind: 'delay', at: 'x', count: 1 }],
    );
    expect(renderTimeline(journal, { cast, columns: 60 }).split('\n').slice(2)).toEqual([
      '   0.000  400 ADD: It is off.',
      '   0.001  answer lost: hot-add.add',
      '   0.002  fault delay',
    ]);
  });

  it('is empty when nothing is worth showing', () => {
    expect(renderTimeline([], { cast })).toBe('');
  });

  it('keeps to its width', () => {
    const journal = journalOf([0, ADD], [0, task('waiting')], [5, task('failure', 'x'.repeat(300))]);
    for (const line of renderTimeline(journal, { cast, columns: 100 }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(100);
  });
});

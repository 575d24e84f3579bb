import { describe, expect, it } from 'vitest';
import { readTraffic } from '../../../harness/runner/disk-traffic.ts';
import type { JournalEntry, JournalEvent } from '../../../src/kernel/journal.ts';

const journalOf = (...events: readonly JournalEvent[]): readonly JournalEntry[] =>
  events.map((event, n) => ({ n, t: 0, ...event }));

const job = (phase: 'begins' | 'succeeds', number: number, more: object = {}): JournalEvent => ({
  type: 'job',
  engine: 'first',
  job: number,
  operation: 'backup',
  phase,
  actor: 'a',
  server: 'vm-1',
  ...more,
});
const asks = (call: number, device: string): JournalEvent => ({
  type: 'rest.request',
  call,
  operation: 'cbt.changed-areas',
  method: 'GET',
  path: '/servers/vm-1/cbt/changed-areas',
  query: { disk_id: device },
  actor: 'a',
});
const answers = (
  call: number,
  data: Extract<JournalEvent, { type: 'rest.reply' }>['data'],
): JournalEvent => ({
  type: 'rest.reply',
  call,
  operation: 'cbt.changed-areas',
  status: 200,
  code: 0,
  message: '',
  ...(data === undefined ? {} : { data }),
});
const locked: JournalEvent = {
  type: 'state',
  entity: 'backup-resource',
  id: 'res',
  to: 'running',
  server: 'vm-1',
};
const opens = (connection: number, device: string): JournalEvent => ({
  type: 'nbd.option',
  connection,
  option: 'GO',
  reply: 'ACK',
  export: `res/${device}`,
  isTls: false,
});
const reads = (connection: number, offset: number): JournalEvent => ({
  type: 'nbd.request',
  connection,
  request: 1,
  command: 'READ',
  flags: 0,
  offset,
  length: 64,
});
const wrong: JournalEvent = {
  type: 'compared',
  what: 'point',
  point: 'p2',
  server: 'vm-1',
  bytes: 9,
  differences: 1,
};

describe('traffic of a disk before a comparison that failed', () => {
  it('is that of the job that made the point, and of that disk only', () => {
    const journal = journalOf(
      locked,
      job('begins', 1),
      opens(1, 'ide0'),
      reads(1, 1000),
      job('succeeds', 1, { point: 'p1' }),
      job('begins', 2),
      asks(7, 'ide0'),
      answers(7, { start_offset: 0, length: 512, changed_area: [{ start: 64, length: 128 }] }),
      asks(8, 'ide1'),
      answers(8, { start_offset: 0, length: 512, changed_area: [{ start: 0, length: 512 }] }),
      opens(2, 'ide0'),
      opens(3, 'ide1'),
      reads(2, 64),
      reads(3, 256),
      job('succeeds', 2, { point: 'p2' }),
      wrong,
    );
    expect(readTraffic(journal, 'ide0')).toEqual({
      asked: [{ offset: 0, length: 512 }],
      changed: [{ offset: 64, length: 128 }],
      isAnswerLong: false,
      read: [{ offset: 64, length: 64 }],
      written: [],
    });
  });

  it('says when an answer was too long to be kept', () => {
    const answer = answers(7, { start_offset: 0, length: 512 });
    const journal = journalOf(
      job('begins', 2),
      asks(7, 'ide0'),
      answer,
      job('succeeds', 2, { point: 'p2' }),
      wrong,
    );
    expect(readTraffic(journal, 'ide0')).toMatchObject({ isAnswerLong: true, asked: [{ offset: 0 }] });
  });

  it('has the reads of a hot-added disk and, of a restore, the writes', () => {
    const attached = (id: string, source: string): JournalEvent => ({
      type: 'state',
      entity: 'hot-added-disk',
      id,
      to: 'attached',
      server: 'proxy',
      detail: { source, device: 'ide0' },
    });
    const io = (disk: string, command: string, offset: number): JournalEvent => ({
      type: 'guest.io',
      server: 'proxy',
      device: 'vdb',
      disk,
      command,
      offset,
      length: 64,
      error: 0,
    });
    const journal = journalOf(
      job('begins', 1),
      attached('d1', 'vm-1'),
      io('d1', 'READ', 128),
      job('succeeds', 1, { point: 'p2' }),
      job('begins', 2, { operation: 'restore', server: 'vm-2' }),
      attached('d2', 'vm-2'),
      io('d2', 'WRITE', 192),
      io('d1', 'WRITE', 0),
      job('succeeds', 2, { operation: 'restore', server: 'vm-2' }),
      { ...wrong, what: 'server', server: 'vm-2' },
    );
    expect(readTraffic(journal, 'ide0')).toMatchObject({
      read: [{ offset: 128, length: 64 }],
      written: [{ offset: 192, length: 64 }],
    });
  });
});

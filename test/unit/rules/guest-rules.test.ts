import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../src/kernel/journal.ts';
import { ENGINE, job, judge, reply, request, type Timed } from './rule-journal.ts';

describe('a hot-added disk whose removal was asked for', () => {
  const PROXY = 'proxy-1';
  const added: JournalEvent = {
    type: 'state',
    entity: 'hot-added-disk',
    id: 'disk-1',
    to: 'attached',
    server: PROXY,
    why: `added by ${ENGINE}`,
  };
  const remove = request(9, 'hot-add.remove', `/janus/20240725/servers/${PROXY}/disks/action`, {
    body: { action: 'delete', disk_ids: ['disk-1'] },
  });
  const io = (command: string): JournalEvent => ({
    type: 'guest.io',
    server: PROXY,
    device: 'vdb',
    disk: 'disk-1',
    command,
    offset: 0,
    length: 512,
    error: 0,
  });
  /** The disk is read, these events come, its removal is accepted, and one more request is answered. */
  const removal = (before: readonly JournalEvent[], late: string): readonly Timed[] => [
    [0, job('begins')],
    [1, added],
    [2, io('READ')],
    ...before.map((event): Timed => [3, event]),
    [4, remove],
    [4, reply(9, 'hot-add.remove')],
    [5, io(late)],
  ];
  const found = (...events: readonly Timed[]): number => judge('HOTADD-10', ...events).violations.length;

  it.each(['READ', 'WRITE', 'WRITE_ZEROES', 'TRIM'])('is used no more: no %s', (late) => {
    expect(found(...removal([], late))).toBe(1);
  });

  it("may see the guest's own kernel flush it", () => {
    expect(judge('HOTADD-10', ...removal([], 'FLUSH'))).toEqual({ exercised: 1, violations: [] });
  });

  it('may see the last reads of an engine that was killed, and of no other', () => {
    const next = job('begins', 2);
    expect(found(...removal([job('killed'), next], 'READ'))).toBe(0);
    expect(found(...removal([job('fails'), next], 'READ'))).toBe(1);
    const stranger = [job('begins', 3, 'AK2'), job('killed', 3, 'AK2')];
    expect(found(...removal(stranger, 'READ'))).toBe(1);
  });

  it('may not see them when the engine was alive and is killed only later', () => {
    expect(found(...removal([], 'READ'), [6, job('killed')])).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../src/kernel/journal.ts';
import { job, judge, reply, request, takeSnapshot, type Timed } from './rule-journal.ts';

describe('a token that is refused in a job', () => {
  const login = (call: number): readonly JournalEvent[] => [
    request(call, 'authenticate', '/janus/authenticate'),
    reply(call, 'authenticate'),
  ];
  const refused = (call: number): readonly JournalEvent[] => [
    takeSnapshot(call),
    reply(call, 'snapshots.create', { status: 401 }),
  ];
  const found = (...events: readonly (JournalEvent | readonly JournalEvent[])[]): number =>
    judge('AUTH-4', ...events.flat().map((event): Timed => [1, event])).violations.length;

  it('is replaced by a login before the job ends', () => {
    expect(found(job('begins'), login(1), refused(2), login(3), job('succeeds'))).toBe(0);
    expect(found(job('begins'), login(1), refused(2), job('fails'))).toBe(1);
    expect(found(login(1), job('begins'), refused(2), job('fails'), login(3))).toBe(1);
  });

  it('may end the job when it was fetched over an earlier refusal and is refused again', () => {
    expect(found(job('begins'), login(1), refused(2), login(3), refused(4), job('fails'))).toBe(0);
  });

  it('may not end it over a refusal that was in another job', () => {
    const before = [job('begins'), login(1), refused(2), login(3), job('succeeds')].flat();
    expect(found(before, job('begins', 2), refused(4), job('fails', 2))).toBe(1);
  });
});

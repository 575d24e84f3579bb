import { describe, expect, it } from 'vitest';
import { job, judge, lock, lockState, renew, reply, request, RESOURCE, type Timed } from './rule-journal.ts';

const GET = 'backup-resources.get';

function renewal(call: number, seconds: number, status: number): readonly Timed[] {
  return [
    [seconds, renew(call)],
    [seconds, reply(call, 'backup-resources.renew', { status })],
  ];
}

function asked(operation: string, subject: string, status: number): readonly Timed[] {
  const path = `/janus/20180725/${operation.split('.')[0]}/${encodeURIComponent(subject)}`;
  return [
    [60, request(2, operation, path)],
    [60, reply(2, operation, { status })],
  ];
}

/** What LOCK-2 finds in a job whose lock holds from second 4 for ten minutes, or for as long as it is renewed. */
function found(expirySeconds: number, ...meanwhile: readonly Timed[]): number {
  const { exercised, violations } = judge(
    'LOCK-2',
    [0, job('begins')],
    [1, lock(1)],
    [1, lockState(undefined, 'pending', 'created by AK1')],
    [1, reply(1, 'backup-resources.create')],
    [4, lockState('pending', 'running')],
    ...meanwhile,
    [expirySeconds, lockState('running', 'expired')],
    [expirySeconds + 60, job('fails')],
  );
  expect(exercised).toBe(1);
  return violations.length;
}

describe('a lock that runs out under a job', () => {
  it.each([429, 503])(
    'is excused where the last call about it was answered %i since it last held',
    (status) => {
      expect(found(604, ...renewal(2, 60, status), ...renewal(3, 120, status))).toBe(0);
      expect(found(604, ...renewal(2, 60, 400), ...renewal(3, 120, status))).toBe(0);
      expect(found(604, ...asked(GET, RESOURCE, status))).toBe(0);
    },
  );

  it.each([200, 400])('is a violation where one was turned away and a later one answered %i', (status) => {
    expect(found(604, ...renewal(2, 60, 429), ...renewal(3, 120, status))).toBe(1);
    expect(found(604, ...asked(GET, RESOURCE, 429), ...renewal(3, 120, status))).toBe(1);
  });

  it.each([200, 400, 409])('is a violation where they were answered %i', (status) => {
    expect(found(604, ...renewal(2, 60, status))).toBe(1);
    expect(found(604, ...asked(GET, RESOURCE, status))).toBe(1);
  });

  it('is a violation where only calls about something else were turned away', () => {
    expect(found(604, ...asked(GET, 'pool:resource-2', 429))).toBe(1);
    expect(found(604, ...asked('servers.get', 'server-1', 429))).toBe(1);
  });

  it('is a violation where one was turned away only before it was seen to hold once more', () => {
    const holdsOn: readonly Timed[] = [
      [120, renew(3)],
      [120, lockState('running', 'running')],
      [120, reply(3, 'backup-resources.renew')],
    ];
    expect(found(720, ...renewal(2, 60, 429), ...holdsOn)).toBe(1);
    expect(found(720, ...holdsOn, ...renewal(4, 180, 429))).toBe(0);
  });
});

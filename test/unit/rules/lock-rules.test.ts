import { describe, expect, it } from 'vitest';
import { job, judge, lock, lockState, renew, reply, request, RESOURCE, type Timed } from './rule-journal.ts';

const GET = 'backup-resources.get';

function renewal(call: number, seconds: number, status: number): readonly Timed[] {
  return [
    [seconds, renew(call)],
    [seconds, reply(call, 'backup-resources.renew', { status })],
  ];
}

function asked(
  call: number,
  seconds: number,
  operation: string,
  subject: string,
  status: number,
): readonly Timed[] {
  const path = `/janus/20180725/${operation.split('.')[0]}/${encodeURIComponent(subject)}`;
  return [
    [seconds, request(call, operation, path)],
    [seconds, reply(call, operation, { status })],
  ];
}

const look = (call: number, seconds: number, status: number): readonly Timed[] =>
  asked(call, seconds, GET, RESOURCE, status);

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
  it.each([429, 503])('is excused where the last renewal was answered %i', (status) => {
    expect(found(604, ...renewal(2, 500, status), ...renewal(3, 600, status))).toBe(0);
    expect(found(604, ...renewal(2, 500, 400), ...renewal(3, 600, status))).toBe(0);
    expect(found(604, ...renewal(2, 590, status), ...look(3, 591, 200))).toBe(0);
  });

  it.each([429, 503])('is excused where the last look at it was answered %i', (status) => {
    expect(found(604, ...look(2, 600, status))).toBe(0);
    expect(found(604, ...look(2, 500, 200), ...look(3, 600, status))).toBe(0);
  });

  it.each([200, 400])('is a violation where one was turned away and a later one answered %i', (status) => {
    expect(found(604, ...renewal(2, 590, 429), ...renewal(3, 600, status))).toBe(1);
    expect(found(604, ...look(2, 590, 429), ...renewal(3, 600, status))).toBe(1);
    expect(found(604, ...look(2, 590, 429), ...look(3, 600, status))).toBe(1);
  });

  it('is a violation where one was turned away and none came for more than two minutes after that', () => {
    expect(found(604, ...renewal(2, 460, 429))).toBe(1);
    expect(found(604, ...look(2, 60, 429))).toBe(1);
    expect(found(604, ...renewal(2, 460, 429), ...look(3, 600, 200))).toBe(1);
  });

  it.each([200, 400, 409])('is a violation where they were answered %i', (status) => {
    expect(found(604, ...renewal(2, 600, status))).toBe(1);
    expect(found(604, ...look(2, 600, status))).toBe(1);
  });

  it('is a violation where only calls about something else were turned away', () => {
    expect(found(604, ...asked(2, 600, GET, 'pool:resource-2', 429))).toBe(1);
    expect(found(604, ...asked(2, 600, 'servers.get', 'server-1', 429))).toBe(1);
  });

  it('is a violation where one was turned away only before it was seen to hold once more', () => {
    const holdsOn: readonly Timed[] = [
      [120, renew(3)],
      [120, lockState('running', 'running')],
      [120, reply(3, 'backup-resources.renew')],
    ];
    expect(found(720, ...renewal(2, 60, 429), ...holdsOn)).toBe(1);
    expect(found(720, ...holdsOn, ...renewal(4, 700, 429))).toBe(0);
  });
});

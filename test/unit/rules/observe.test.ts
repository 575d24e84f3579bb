import { describe, expect, it } from 'vitest';
import { parseInstant, timeOfDay } from '../../../harness/rules/instants.ts';
import { observe } from '../../../harness/rules/observe.ts';
import {
  areas,
  dropSnapshot,
  ENGINE,
  job,
  journalOf,
  lock,
  lockState,
  page,
  renew,
  reply,
  request,
  RESOURCE,
  snapshotState,
  takeSnapshot,
  unlock,
} from './rule-journal.ts';

describe('what rules see of a journal', () => {
  it('are calls with their replies, lost ones marked, and the faults that struck them', () => {
    const { calls, faults } = observe(
      journalOf(
        [1, takeSnapshot(1)],
        [
          1,
          { type: 'fault.fired', fault: 'f', kind: 'lose-reply', at: 'snapshots.create server-1', count: 1 },
        ],
        [2, reply(1, 'snapshots.create', { isLost: true })],
        [3, takeSnapshot(2)],
      ),
    );
    expect(calls[0]).toMatchObject({ call: 1, t: 1000, server: 'server-1', reply: { n: 2, isLost: true } });
    expect(calls[0]?.faults).toEqual(faults);
    expect(calls[1]).toMatchObject({ call: 2, reply: undefined, faults: [] });
  });

  it('are calls of the judged engines only: of those that have jobs, else of everybody', () => {
    const stranger = request(2, 'servers.list', '/servers', { actor: 'AK2' });
    const mixed = [
      [2, takeSnapshot(1)],
      [3, stranger],
    ] as const;
    expect(observe(journalOf([1, job('begins')], ...mixed)).calls.map(({ call }) => call)).toEqual([1]);
    expect(observe(journalOf(...mixed)).calls.map(({ call }) => call)).toEqual([1, 2]);
    expect(observe(journalOf(...mixed), { actors: ['AK2'] }).calls.map(({ call }) => call)).toEqual([2]);
  });

  it('are logins as calls of the user who logs in', () => {
    const body = { auth: { passwordCredentials: { username: 'svc', password: '***' } } };
    const login = request(1, 'authenticate', '/janus/authenticate', { actor: 'anonymous', body });
    const said = { access: { token: { expires: '2026-02-03T04:15:06Z' } } };
    const { calls, tokens } = observe(
      journalOf(
        [1, login],
        [1, { type: 'state', entity: 'token', id: 'token-1', to: 'valid', why: 'svc' }],
        [1, reply(1, 'authenticate', { data: said })],
      ),
      { actors: ['svc'] },
    );
    expect(calls).toMatchObject([{ actor: 'svc' }]);
    expect(tokens).toMatchObject([{ actor: 'svc', expiresAt: Date.parse('2026-02-03T04:15:06Z') }]);
  });

  it('are snapshots and locks with who made them, what was asked of them, and their end', () => {
    const seen = observe(
      journalOf(
        [0, job('begins')],
        [1, takeSnapshot(1)],
        [1, snapshotState(undefined, 'creating')],
        [2, snapshotState('creating', 'normal')],
        [3, lock(2)],
        [3, lockState(undefined, 'pending', `created by ${ENGINE}`)],
        [4, lockState('pending', 'running')],
        [60, renew(3)],
        [60, lockState('running', 'running')],
        [70, unlock(4)],
        [70, lockState('running', 'released', `deleted by ${ENGINE}`)],
        [71, dropSnapshot(5)],
        [72, snapshotState('deleting', 'deleted')],
        [73, job('succeeds')],
      ),
    );
    expect(seen.snapshots).toMatchObject([
      { actor: ENGINE, createdBy: { call: 1 }, ready: { n: 3 }, deletedBy: [{ call: 5 }], end: { n: 12 } },
    ]);
    expect(seen.resources).toMatchObject([
      {
        id: RESOURCE,
        actor: ENGINE,
        createdBy: { call: 2 },
        running: { t: 4000 },
        renewals: [{ t: 60_000, lockTimeSeconds: 600 }],
        renewedBy: [{ call: 3 }],
        deletedBy: [{ call: 4 }],
        endedAs: 'released',
        snapshot: 'snapshot-1',
      },
    ]);
    expect(seen.jobs).toMatchObject([{ outcome: 'succeeds', end: { n: 13, t: 73_000 } }]);
  });

  it('are queries for changed areas as walks: a repeated beginning without an answer goes on, any other begins anew', () => {
    const { walks } = observe(
      journalOf(
        [1, takeSnapshot(1)],
        [1, snapshotState(undefined, 'creating')],
        [2, areas(2, 0)],
        [2, reply(2, 'cbt.changed-areas', { status: 503 })],
        [3, areas(3, 0)],
        [3, page(3, 0, 400)],
        [4, areas(4, 400)],
        [4, page(4, 400, 600)],
        [5, areas(5, 0)],
      ),
    );
    expect(
      walks.map(({ queries }) => queries.map(({ call, page: got }) => [call.call, got?.length])),
    ).toEqual([
      [
        [2, undefined],
        [3, 400],
        [4, 600],
      ],
      [[5, undefined]],
    ]);
    expect(walks[0]).toMatchObject({ disk: 'ide0', checkpoint: '0', diskBytes: 1000 });
  });

  it('are connections with their requests, and the lock that they stand on', () => {
    const { connections } = observe(
      journalOf(
        [1, lock(1)],
        [1, lockState(undefined, 'pending', `created by ${ENGINE}`)],
        [2, { type: 'nbd.open', connection: 7, address: 'x' }],
        [
          2,
          {
            type: 'nbd.option',
            connection: 7,
            option: 'GO',
            reply: 'ACK',
            export: `${RESOURCE}/ide0`,
            isTls: true,
          },
        ],
        [
          3,
          { type: 'nbd.request', connection: 7, request: 1, command: 'READ', flags: 0, offset: 0, length: 9 },
        ],
        [4, { type: 'nbd.reply', connection: 7, request: 1, error: 0, bytes: 9 }],
        [5, { type: 'nbd.close', connection: 7, why: 'disconnect' }],
      ),
    );
    expect(connections).toMatchObject([
      {
        device: 'ide0',
        isTls: true,
        resource: { id: RESOURCE },
        requests: [{ reply: { t: 4000 } }],
        endedWhy: 'disconnect',
      },
    ]);
  });
});

it('a journal that has grown since it was last read is read again, else not', () => {
  const journal = [...journalOf([1, takeSnapshot(1)])];
  const seen = observe(journal);
  expect(observe(journal)).toBe(seen);
  journal.push(...journalOf([1, takeSnapshot(1)], [2, takeSnapshot(2)]).slice(1));
  expect(observe(journal).calls.map(({ call }) => call)).toEqual([1, 2]);
});

it('instants are read and written as the calendar has them', () => {
  for (const text of [
    '1970-01-01T00:00:00Z',
    '2000-02-29T23:59:59Z',
    '2026-12-31T12:00:01Z',
    '2100-03-01T00:00:00Z',
  ])
    expect([text, parseInstant(text)]).toEqual([text, Date.parse(text)]);
  expect([parseInstant('yesterday'), parseInstant(undefined)]).toEqual([undefined, undefined]);
  expect(timeOfDay(Date.parse('2026-02-03T04:05:06.007Z'))).toBe('04:05:06.007');
});

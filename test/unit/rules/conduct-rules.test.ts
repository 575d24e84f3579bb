import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../../src/kernel/journal.ts';
import {
  ENGINE,
  job,
  judge,
  lockState,
  reply,
  request,
  RESOURCE,
  takeSnapshot,
  type Timed,
  unlock,
} from './rule-journal.ts';

const EXPORT = `${RESOURCE}/ide0`;
const open = (connection: number): JournalEvent => ({ type: 'nbd.open', connection, address: 'somewhere' });
const go = (connection: number): JournalEvent => ({
  type: 'nbd.option',
  connection,
  option: 'GO',
  reply: 'ACK',
  export: EXPORT,
  isTls: false,
});
const ask = (
  connection: number,
  request: number,
  command: string,
  offset = 0,
  length = 512,
): JournalEvent => ({
  type: 'nbd.request',
  connection,
  request,
  command,
  flags: 0,
  offset,
  length,
});
const answer = (connection: number, request: number, error = 0): JournalEvent => ({
  type: 'nbd.reply',
  connection,
  request,
  error,
  bytes: error === 0 ? 512 : 0,
});

/** A job that holds the lock while it reads in the way that is given. */
function reading(end: 'succeeds' | 'fails', ...io: readonly JournalEvent[]): readonly Timed[] {
  return [
    [0, job('begins')],
    [1, lockState(undefined, 'pending', 'created by AK1')],
    [2, lockState('pending', 'running')],
    ...io.map((event): Timed => [3, event]),
    [4, unlock(9)],
    [5, lockState('running', 'released', 'deleted by AK1')],
    [6, job(end)],
  ];
}

describe('a read that was not answered', () => {
  const lost = [open(1), go(1), ask(1, 1, 'READ', 0, 1024)];

  it('has to be repeated from its first byte, on whatever connection', () => {
    const again = [open(2), go(2), ask(2, 1, 'READ', 0, 1024), answer(2, 1)];
    const half = [open(2), go(2), ask(2, 1, 'READ', 512, 512), answer(2, 1)];
    expect(judge('NBD-11', ...reading('succeeds', ...lost, ...again)).violations).toEqual([]);
    expect(judge('NBD-11', ...reading('succeeds', ...lost, ...half)).violations).toHaveLength(1);
  });

  it('is no violation of a job that fails for it, and counts as seen', () => {
    expect(judge('NBD-11', ...reading('fails', ...lost))).toEqual({ exercised: 1, violations: [] });
  });

  it('is another matter than one that was answered with an error', () => {
    const failed = [open(1), go(1), ask(1, 1, 'READ'), answer(1, 1, 5)];
    expect(judge('NBD-11', ...reading('succeeds', ...failed)).exercised).toBe(0);
    expect(judge('NBD-12', ...reading('succeeds', ...failed)).violations).toHaveLength(1);
  });
});

describe('a connection under a backup resource', () => {
  it('is left with DISC before the resource is deleted', () => {
    const read = [open(1), go(1), ask(1, 1, 'READ'), answer(1, 1)];
    expect(judge('CLEAN-3', ...reading('succeeds', ...read)).violations).toHaveLength(1);
    expect(judge('CLEAN-3', ...reading('succeeds', ...read, ask(1, 2, 'DISC'))).violations).toEqual([]);
  });

  it('is for the host to close where the process that opened it was killed', () => {
    const after = (killedAt: number): readonly Timed[] => [
      [0, job('begins')],
      [1, lockState(undefined, 'pending', 'created by AK1')],
      [2, lockState('pending', 'running')],
      ...(killedAt === 2 ? killed : []),
      [3, open(1)],
      [3, go(1)],
      ...(killedAt === 3 ? killed : []),
      [4, unlock(9)],
      ...(killedAt === 5 ? killed : []),
      [6, job('succeeds', 2)],
    ];
    const killed: readonly Timed[] = [
      [3, job('killed')],
      [3, job('begins', 2)],
    ];
    expect(judge('CLEAN-3', ...after(3))).toEqual({ exercised: 1, violations: [] });
    for (const another of [2, 5]) expect(judge('CLEAN-3', ...after(another)).violations).toHaveLength(1);
  });

  it('is for reading', () => {
    const write = [open(1), go(1), ask(1, 1, 'WRITE'), answer(1, 1, 1)];
    expect(judge('NBD-8', ...reading('succeeds', ...write)).violations).toHaveLength(1);
  });
});

describe('two snapshots at a time', () => {
  /** Of servers 1 and 2, or both of server 1, while something goes on that is of no server. */
  const during = (operation: 'backup' | 'cleanup', ...servers: readonly string[]): readonly Timed[] => [
    [0, { type: 'job', engine: 'first', job: 9, operation, phase: 'begins', actor: ENGINE }],
    ...servers.map(
      (server, at): Timed => [
        0,
        {
          type: 'job',
          engine: 'first',
          job: at,
          operation: 'backup',
          phase: 'begins',
          actor: ENGINE,
          server,
        },
      ],
    ),
    ...['server-1', 'server-2'].flatMap((server, at): Timed[] => [
      [
        1,
        request(at, 'snapshots.create', `/janus/20190725/servers/${server}/snapshots`, {
          body: { name: `s${at}` },
        }),
      ],
      [
        1,
        {
          type: 'state',
          entity: 'snapshot',
          id: `snapshot-${at}`,
          to: 'creating',
          server,
          detail: { name: `s${at}`, checkpointId: '1', disks: [] },
        },
      ],
      [1, reply(at, 'snapshots.create')],
    ]),
  ];

  it('are all right where each is of another job, whatever else goes on', () => {
    expect(judge('SNAP-3', ...during('cleanup', 'server-1', 'server-2')).violations).toEqual([]);
  });

  it('are a violation where one job alone can have made both', () => {
    expect(judge('SNAP-3', ...during('backup')).violations).toHaveLength(1);
  });
});

describe('a call that is over the limit', () => {
  const refused = (call: number, seconds: number): readonly Timed[] => [
    [seconds, takeSnapshot(call)],
    [seconds, reply(call, 'snapshots.create', { status: 429 })],
  ];
  const around = (...calls: readonly (readonly Timed[])[]): readonly Timed[] => [
    [0, job('begins')],
    ...calls.flat(),
    [99, job('fails')],
  ];

  it('may be repeated after a pause', () => {
    const judged = judge('LIMIT-1', ...around(refused(1, 1), refused(2, 2), refused(3, 4)));
    expect(judged).toEqual({ exercised: 2, violations: [] });
  });

  it('may not be repeated at once again and again; once may have another reason', () => {
    expect(judge('LIMIT-1', ...around(refused(1, 1), refused(2, 1))).violations).toEqual([]);
    expect(judge('LIMIT-1', ...around(refused(1, 1), refused(2, 1), refused(3, 1))).violations).toHaveLength(
      1,
    );
  });

  it('is the first of its kind in another job', () => {
    const next: readonly Timed[] = [
      [1, job('fails')],
      [1, job('begins', 2)],
    ];
    const events = around(refused(1, 1), refused(2, 1), next, refused(3, 1));
    expect(judge('LIMIT-1', ...events.filter(([seconds]) => seconds < 99)).violations).toEqual([]);
  });
});

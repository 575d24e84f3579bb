import { describe, expect, it } from 'vitest';
import type { EngineMoment } from '../../../harness/musts/engine-moments.ts';
import type { Must } from '../../../harness/musts/must.ts';
import { findHappenings, MUSTS } from '../../../harness/musts/musts.ts';
import { renderTally, tallyMusts } from '../../../harness/musts/tally-musts.ts';
import { buildReport, exitCodeOf } from '../../../harness/report/report.ts';
import type { ScenarioResult } from '../../../harness/runner/outcome.ts';
import type { JournalEntry, JournalEvent } from '../../../src/kernel/journal.ts';

const RESOURCE = '11111111-1111-4111-8111-111111111111:22222222-2222-4222-8222-222222222222';
const ACTOR = 'AK1';

const journal = (events: readonly JournalEvent[]): JournalEntry[] =>
  events.map((event, n) => ({ n, t: n * 1000, ...event }));

const job = (
  phase: 'begins' | 'succeeds' | 'fails' | 'killed',
  more: Partial<Extract<JournalEvent, { type: 'job' }>> = {},
): JournalEvent => {
  const base = { engine: 'first', job: 1, operation: 'backup', actor: ACTOR, server: 'vm-1' } as const;
  return { type: 'job', ...base, phase, ...more };
};

const call = (
  number: number,
  operation: string,
  path: string,
  reply: Partial<Extract<JournalEvent, { type: 'rest.reply' }>> = {},
): JournalEvent[] => [
  { type: 'rest.request', call: number, operation, method: 'GET', path, query: {}, actor: ACTOR },
  { type: 'rest.reply', call: number, operation, status: 200, code: 0, message: '', ...reply },
];

const lock = (to: string, from?: string): JournalEvent => ({
  type: 'state',
  entity: 'backup-resource',
  id: RESOURCE,
  ...(from === undefined ? {} : { from }),
  to,
  server: 'vm-1',
  ...(from === undefined ? { why: `created by ${ACTOR}` } : {}),
  detail: { type: 'backup', lockTimeSeconds: 60 },
});

const open: JournalEvent[] = [
  { type: 'nbd.open', connection: 1, address: 'in-process' },
  { type: 'nbd.option', connection: 1, option: 'GO', reply: 'ACK', export: `${RESOURCE}/ide0`, isTls: false },
];
const ask = (command = 'READ'): JournalEvent => {
  return { type: 'nbd.request', connection: 1, request: 1, command, flags: 0, offset: 0, length: 512 };
};
const answer = (error = 0): JournalEvent => ({
  type: 'nbd.reply',
  connection: 1,
  request: 1,
  error,
  bytes: 512,
});

const idsIn = (events: readonly JournalEvent[], moments: readonly EngineMoment[] = []): readonly string[] =>
  Object.keys(findHappenings(journal(events), moments));

describe('what must sometimes happen', () => {
  it('has an id and a sentence of its own for each thing', () => {
    expect(MUSTS.length).toBeGreaterThanOrEqual(15);
    expect(new Set(MUSTS.map(({ id }) => id)).size).toBe(MUSTS.length);
    expect(MUSTS.filter(({ title }) => title === '' || title.endsWith('.'))).toEqual([]);
  });

  it('does not happen in a quiet world', () => {
    const quiet = [job('begins'), ...call(1, 'snapshots.create', '/servers/vm-1/snapshots'), job('succeeds')];
    expect(idsIn(quiet)).toEqual([]);
  });

  it.each<[string, JournalEvent[], JournalEvent[]]>([
    [
      'expiry-hits-pending-read',
      [
        job('begins'),
        lock('pending'),
        lock('running', 'pending'),
        ...open,
        ask(),
        lock('expired', 'running'),
      ],
      [
        job('begins'),
        lock('pending'),
        lock('running', 'pending'),
        ...open,
        ask(),
        answer(),
        lock('expired', 'running'),
      ],
    ],
    [
      'retry-after-429',
      [...call(1, 'snapshots.create', '/s', { status: 429 }), ...call(2, 'snapshots.create', '/s')],
      [...call(1, 'snapshots.create', '/s', { status: 429 })],
    ],
    [
      'lost-create',
      call(1, 'snapshots.create', '/s', { isLost: true }),
      call(1, 'snapshots.delete', '/s', { isLost: true }),
    ],
    [
      'token-expired-in-job',
      [
        job('begins'),
        ...call(1, 'servers.list', '/s', { status: 401, message: 'The token is invalid or has expired.' }),
        job('succeeds'),
      ],
      [
        ...call(1, 'servers.list', '/s', { status: 401, message: 'The token is invalid or has expired.' }),
        job('begins'),
      ],
    ],
    [
      'restore-interrupted',
      [
        job('begins', { operation: 'restore' }),
        ...open,
        ask('WRITE'),
        job('killed', { operation: 'restore' }),
      ],
      [
        job('begins', { operation: 'restore' }),
        ...open,
        ask('WRITE'),
        job('succeeds', { operation: 'restore' }),
      ],
    ],
    [
      'full-after-cbt-expired',
      [
        job('begins'),
        ...call(1, 'cbt.changed-areas', '/s', {
          status: 400,
          message: 'The VM CBT has expired. Please reset it.',
        }),
        job('succeeds', { mode: 'full' }),
      ],
      [job('begins'), ...call(1, 'cbt.changed-areas', '/s'), job('succeeds', { mode: 'full' })],
    ],
    [
      'incremental-after-killed-job',
      [
        job('begins'),
        job('killed'),
        job('begins', { job: 2 }),
        job('succeeds', { job: 2, mode: 'incremental' }),
      ],
      [
        job('begins'),
        job('fails'),
        job('begins', { job: 2 }),
        job('succeeds', { job: 2, mode: 'incremental' }),
      ],
    ],
    [
      'cleanup-removes-leftover',
      [
        job('begins', { operation: 'cleanup' }),
        ...call(1, 'snapshots.delete', '/s'),
        job('succeeds', { operation: 'cleanup' }),
      ],
      [job('begins'), ...call(1, 'snapshots.delete', '/s'), job('succeeds')],
    ],
    [
      'read-fails',
      [job('begins'), ...open, ask(), answer(5), job('fails')],
      [job('begins'), ...open, ask(), answer(), job('succeeds')],
    ],
    [
      'snapshot-limit',
      call(1, 'snapshots.create', '/s', {
        status: 400,
        message: 'The number of snapshots has reached the limit.',
      }),
      call(1, 'snapshots.create', '/s', { status: 400, message: 'Invalid parameter.' }),
    ],
  ])('%s is seen where it happens and only there', (id, happens, almost) => {
    expect(idsIn(happens)).toContain(id);
    expect(idsIn(almost)).not.toContain(id);
  });

  it('is seen in accidents of the engine that no journal tells of', () => {
    const died = { n: 1, engine: 'first', kind: 'killed', isPowerCut: true } as const;
    expect(idsIn([job('begins')], [{ ...died, lostFiles: 2 }])).toEqual(['power-cut-loses-file']);
    expect(idsIn([job('begins')], [{ ...died, lostFiles: 0 }])).toEqual([]);
  });
});

describe('the tally', () => {
  const musts: readonly Must[] = [
    { id: 'a', title: 'a call was made', find: ({ calls }) => calls.map(({ n }) => n) },
    { id: 'never', title: 'pigs fly', find: () => [] },
  ];
  const run = (seed: string, events: JournalEvent[]) => {
    const happened = findHappenings(journal(events), [], musts);
    return { scenario: 'S001', engine: 'nbd', seed, happened };
  };
  const tally = tallyMusts([run('1', []), run('2', [job('begins'), ...call(1, 'x', '/')])], musts);

  it('counts runs and names the first one', () => {
    expect(tally).toEqual([
      {
        id: 'a',
        title: 'a call was made',
        happened: 1,
        example: { scenario: 'S001', engine: 'nbd', seed: '2', at: 1 },
      },
      { id: 'never', title: 'pigs fly', happened: 0 },
    ]);
  });

  it('says in one line how many did, and names those that never did', () => {
    expect(renderTally(tally)).toBe(
      '1 of 2 things that must sometimes happen did\nnever happened: pigs fly (never)\n',
    );
  });

  it('fails a suite in which one never happened', () => {
    const passed = { scenario: 'S001', engine: 'nbd', outcome: 'passed' } as ScenarioResult;
    const environment = { backlot: '0', node: '24', platform: 'x', time: 'virtual', engine: 'reference' };
    const parts = { seed: '1', durationMs: 1, environment, results: [passed] };
    expect(exitCodeOf(buildReport({ ...parts, sometimes: tally }))).toBe(1);
    expect(exitCodeOf(buildReport({ ...parts, sometimes: tally.slice(0, 1) }))).toBe(0);
  });
});

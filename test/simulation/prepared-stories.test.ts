import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../harness/runner/load-scenarios.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { type RunRecord, runOnce } from '../../harness/runner/run-once.ts';
import { underAttack } from '../../harness/sweep/run-cell.ts';
import { planSweep } from '../../harness/sweep/sweep.ts';
import { createFileSimulator, STORY_HEAD } from './story.ts';

const REFUSED = 'fault: { id: f, on: snapshots.create, kind: error, status: 400';

const simulator = await createFileSimulator();

function play(story: string): Promise<RunRecord> {
  const scenario = parseScenario(STORY_HEAD + story, 'test.yaml');
  return runOnce({ simulator, scenario, transport: 'nbd', seed: '1', seams: {} });
}

/** How the jobs ended, in their order. */
function ends({ journal }: RunRecord): readonly string[] {
  return journal.flatMap((entry) => (entry.type === 'job' && entry.phase !== 'begins' ? [entry.phase] : []));
}

describe('what a story prepares', () => {
  it('is played without the attack, which strikes the first of the steps', async () => {
    const record = await play(`attack: [{ ${REFUSED} } }]
prepare: [{ backup: {} }]
steps: [{ backup: {} }]
`);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    expect(ends(record).slice(0, 2)).toEqual(['succeeds', 'fails']);
    expect(record.faults).toMatchObject([{ id: 'f', fired: 1 }]);
  });

  it.each([
    ['a fault', `${REFUSED}, after: 1 }`, 'fails'],
    ['a storage fault', 'storageFault: { id: s, operation: rename, path: points, after: 1 }', 'fails'],
    ['a kill', 'kill: { when: { operation: snapshots.create, nth: 2 } }', 'killed'],
    [
      'a kill before a call',
      'kill: { when: { operation: snapshots.create, nth: 2, side: before } }',
      'killed',
    ],
    ['a kill by data', 'kill: { when: { dataBytes: 160KiB } }', 'killed'],
  ])('is not counted by %s', async (_what, attack, end) => {
    const record = await play(`attack: [{ ${attack} }]
prepare: [{ backup: {} }]
steps: [{ backup: { full: true } }, { backup: { full: true } }]
`);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    expect(ends(record).slice(0, 3)).toEqual(['succeeds', 'succeeds', end]);
  });

  it('takes none of the time after which an attack strikes', async () => {
    const record = await play(`attack: [{ kill: { when: { elapsed: 1s } } }]
prepare: [{ backup: {} }, { advance: 1h }]
steps: [{ backup: {} }]
`);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    expect(ends(record).slice(0, 2)).toEqual(['succeeds', 'killed']);
  });

  it.each([
    ['under attack', `attack: [{ ${REFUSED} } }]\n`],
    ['of a plain story', ''],
  ])('must come out as expected: %s', async (_what, attack) => {
    const record =
      await play(`${attack}prepare: [{ advance: 1s }, { backup: { expect: { kind: incremental } } }]
steps: [{ backup: {} }]
`);
    expect(record.outcome).toBe('failed');
    expect(record.findings[0]).toMatchObject({
      where: 'prepare.1 backup',
      actual: expect.stringContaining('full'),
    });
    expect(ends(record)).toEqual(['succeeds']);
    expect(record.faults).toEqual([]);
  });
});

describe('a sweep of a story that prepares something', () => {
  const task = {
    scenario: loadScenario('scenarios/sweep/W02-incremental.yaml'),
    transport: 'nbd',
    seed: '1',
  } as const;

  it('strikes at the points of its steps only, each where it is', async () => {
    const { points, cells } = await planSweep(simulator, task, {}, { faults: ['lose-request'] });
    const clean = (await runOnce({ ...task, simulator, seams: {} })).journal;
    expect(snapshotsAskedFor(clean)).toBe(2);
    const swept = points.filter(({ id }) => id.startsWith('rest.request:snapshots.create#'));
    expect(swept).toHaveLength(1);

    const cell = cells.find(({ id }) => id === `${swept[0]?.id}/lose-request/once`);
    if (cell === undefined) throw new Error('the snapshot of the incremental is not attacked');
    const scenario = underAttack(task.scenario, cell);
    const { journal } = await runOnce({ ...task, scenario, simulator, seams: {} });
    const at = journal.findIndex(({ type }) => type === 'fault.fired');
    expect(snapshotsAskedFor(journal.slice(0, at))).toBe(2);
    expect(JSON.stringify(journal.slice(0, at))).toBe(JSON.stringify(clean.slice(0, at)));
    const prepared = clean.find((entry) => entry.type === 'job' && entry.phase === 'killed');
    expect((journal[at]?.t ?? 0) - (prepared?.t ?? 0)).toBe(cell.points[0]?.atMs);
  });
});

function snapshotsAskedFor(journal: RunRecord['journal']): number {
  return journal.filter((entry) => entry.type === 'rest.request' && entry.operation === 'snapshots.create')
    .length;
}

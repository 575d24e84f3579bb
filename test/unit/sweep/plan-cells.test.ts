import { describe, expect, it } from 'vitest';
import { OPERATION_NAMES } from '../../../src/contract/operations.ts';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';
import { ATTACK_NAMES } from '../../../harness/sweep/fault-table.ts';
import { planCells } from '../../../harness/sweep/plan-cells.ts';
import { REFUSALS } from '../../../harness/sweep/refusals.ts';
import type { Point, PointKind } from '../../../harness/sweep/sweep-api.ts';

const ground = { isTls: false, usesTokens: false, usesProxies: false, hasManyDisks: false };

function point(kind: PointKind, name: string, nth = 1, ordinal = nth): Point {
  return { id: `${kind}:${name}#${nth}`, kind, name, nth, ordinal, atMs: 0 };
}

/** One point of every kind. */
const ALL_KINDS: readonly Point[] = [
  point('rest.request', 'snapshots.create'),
  ...['snapshots.delete', 'backup-resources.create', 'hot-add.add', 'servers.start'].map((operation) =>
    point('rest.request', operation),
  ),
  { ...point('rest.request', 'cbt.changed-areas', 2), page: { start: 65_536, length: 131_072 } },
  { ...point('rest.request', 'tasks.get'), nthLocked: 1 },
  point('rest.reply', 'snapshots.create', 2),
  point('task.step', 'snapshot.create:doing'),
  point('task.step', 'snapshot.create:finish'),
  point('lease.tick', 'renewed', 3),
  point('nbd.request', 'READ', 2, 4),
  point('nbd.request', 'WRITE', 1, 5),
  { ...point('nbd.reply', 'READ', 1, 5), connection: 3, offsetBytes: 0 },
  point('guest.device', 'appears'),
  point('guest.device', 'vanishes'),
  { ...point('guest.io', 'READ', 2, 6), reached: { bytes: 131_072, nth: 2 } },
  point('storage.write', 'tmp', 2, 7),
  point('storage.sync', 'tmp'),
  point('storage.rename', 'notes'),
  point('storage.remove', 'locks'),
  point('checkpoint', 'transfer', 2, 9),
];

describe('the plan of a sweep', () => {
  it('has a kill at every point and every other kind once and sticky', () => {
    const cells = planCells([point('rest.reply', 'snapshots.create')], { ground });
    expect(cells.map(({ fault, persistence }) => `${fault} ${persistence}`)).toEqual([
      'lose-reply once',
      'lose-reply sticky',
      'garbage-reply once',
      'garbage-reply sticky',
      'truncated-reply once',
      'truncated-reply sticky',
      'delay once',
      'delay sticky',
      'kill once',
    ]);
    for (const at of ALL_KINDS)
      expect(
        planCells([at], { ground }).map(({ fault }) => fault),
        at.id,
      ).toContain('kill');
  });

  it('counts from the beginning of the run, once or from there on', () => {
    const attacks = (at: Point, name: string) =>
      planCells([at], { ground, faults: [name] }).map(({ attack }) => attack[0]);
    const reply = point('rest.reply', 'snapshots.create', 3);
    expect(attacks(reply, 'lose-reply')).toEqual([
      { fault: { id: 'attack', on: 'snapshots.create', kind: 'lose-reply', after: 2, times: 1 } },
      { fault: { id: 'attack', on: 'snapshots.create', kind: 'lose-reply', after: 2, times: 0 } },
    ]);
    // A lock is looked for only where one is held.
    const poll = { ...point('rest.request', 'tasks.get', 7), nthLocked: 3 };
    expect(attacks(poll, 'expire-resource')[0]).toMatchObject({ fault: { on: 'tasks.get', after: 2 } });
    // Over NBD all commands are counted together, in the repository all files.
    expect(attacks(point('nbd.request', 'READ', 2, 9), 'lose-request')[0]).toMatchObject({
      fault: { on: 'nbd', after: 8 },
    });
    expect(attacks(point('storage.sync', 'tmp', 2, 9), 'storage-fails')[0]).toMatchObject({
      storageFault: { operation: 'sync', after: 8, times: 1 },
    });
  });

  it('lets a device vanish under the read that gets as far for the same time', () => {
    const read = { ...point('guest.io', 'READ', 5), reached: { bytes: 131_072, nth: 2 } };
    const [once] = planCells([read], { ground, faults: ['device-vanishes'] });
    expect(once?.attack).toEqual([
      {
        fault: { id: 'attack', on: 'guest', kind: 'device-vanishes', bytes: 131_072, after: 1, times: 1 },
      },
    ]);
    expect(planCells([point('guest.io', 'READ')], { ground, faults: ['device-vanishes'] })).toEqual([]);
  });

  it('kills before and after an operation of the repository, with and without the power', () => {
    const cells = planCells([point('storage.rename', 'points', 1, 6)], {
      ground,
      faults: ['kill', 'kill-after', 'power-cut', 'power-cut-after'],
    });
    expect(cells.map(({ attack }) => attack[0]?.kill)).toEqual([
      { when: { storage: 'rename', nth: 6, side: 'before' } },
      { when: { storage: 'rename', nth: 6, side: 'after' } },
      { when: { storage: 'rename', nth: 6, side: 'before' }, powerCut: true },
      { when: { storage: 'rename', nth: 6, side: 'after' }, powerCut: true },
    ]);
  });

  it('leaves out what a point can not suffer', () => {
    const names = (at: Point, on = ground) => planCells([at], { ground: on }).map(({ fault }) => fault);
    const request = point('rest.request', 'snapshots.create');
    expect(names(request)).not.toContain('expire-tokens');
    expect(names(request, { ...ground, usesTokens: true })).toContain('expire-tokens');
    expect(names(request)).not.toContain('expire-resource');
    expect(names({ ...request, nthLocked: 1 })).toContain('expire-resource');
    expect(names(request)).not.toContain('cbt-expired');
    expect(names(point('rest.request', 'cbt.changed-areas'))).toContain('cbt-expired');
    const query = { ...point('rest.request', 'cbt.changed-areas'), page: { start: 0, length: 65_536 } };
    expect(names(query)).not.toContain('cbt-page-cut');
    expect(names(query)).not.toContain('cbt-page-repeated');
    expect(names(request)).toContain('refuse:SNAPSHOT_LIMIT');
    expect(names(request)).not.toContain('refuse:HOTADD_CONFLICT');
    expect(names(point('task.step', 'snapshot.delete:finish'))).toContain('task-phantom');
    expect(names(point('task.step', 'backup-resource.delete:finish'))).not.toContain('task-phantom');
    expect(names(point('nbd.request', 'READ'))).not.toContain('errno:ENOSPC');
    const later = { ...point('nbd.reply', 'READ', 2), connection: 1, offsetBytes: 500 };
    expect(names(later)).not.toContain('one-byte-at-a-time');
    expect(names(later, { ...ground, isTls: true })).not.toContain('bad-certificate');
  });

  it('calls bearable what comes once and passes, or harms nothing', () => {
    const bearable = (at: Point): string[] =>
      planCells([at], { ground })
        .filter(({ isBearable }) => isBearable === true)
        .map(({ fault, persistence }) => `${fault}/${persistence}`);
    expect(bearable(point('rest.reply', 'snapshots.create'))).toEqual([
      'lose-reply/once',
      'garbage-reply/once',
      'truncated-reply/once',
    ]);
    expect(bearable(point('guest.io', 'READ'))).toContain('delay/once');
    expect(bearable(point('guest.io', 'WRITE'))).not.toContain('delay/once');
    expect(bearable(point('storage.write', 'tmp'))).toEqual([]);
    const [pair] = planCells(ALL_KINDS, { ground, pairs: 1 }).slice(-1);
    expect(pair).not.toHaveProperty('isBearable');
  });

  it('gives every cell an id of its own, and attacks that a scenario file can hold', () => {
    const cells = planCells(ALL_KINDS, {
      ground: { isTls: true, usesTokens: true, usesProxies: true, hasManyDisks: true },
      pairs: 40,
    });
    expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length);
    for (const { id, attack } of cells) {
      const file = JSON.stringify({ ...SCENARIO, attack });
      expect(() => parseScenario(file, `${id}.yaml`), id).not.toThrow();
    }
    expect(new Set(cells.slice(0, -40).map(({ fault }) => fault))).toEqual(new Set(ATTACK_NAMES));
  });

  it('takes a name for all kinds of which it is the beginning', () => {
    const cells = planCells([point('rest.request', 'snapshots.create')], { ground, faults: ['refuse'] });
    expect(new Set(cells.map(({ fault }) => fault))).toEqual(
      new Set(['refuse:SERVER_BUSY', 'refuse:SNAPSHOT_LIMIT', 'refuse:NO_SPACE']),
    );
  });

  it('pairs attacks that come once at two different first steps, no more than asked for', () => {
    const points = [
      point('rest.request', 'snapshots.create'),
      point('rest.request', 'tasks.get', 2),
      point('storage.rename', 'points'),
    ];
    const single = planCells(points, { ground });
    const pairs = planCells(points, { ground, pairs: 7 }).slice(single.length);
    expect(pairs).toHaveLength(7);
    for (const { points: both, attack, persistence } of pairs) {
      expect(both.map(({ id }) => id)).toEqual([points[0]?.id, points[2]?.id]);
      expect(persistence).toBe('once');
      expect(attack).toHaveLength(2);
      const ids = attack.flatMap(({ fault, storageFault }) => fault?.id ?? storageFault?.id ?? []);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(new Set(pairs.map(({ id }) => id)).size).toBe(7);
  });

  it.each([
    [undefined, 65_536, 0],
    [undefined, 131_072, 1],
    [131_072, 131_072, 0],
    [16_384, 65_536, 1],
  ])('where the platform tracks by %s bytes cuts a page of %i bytes %i times', (bytes, length, times) => {
    const page = { ...point('rest.request', 'cbt.changed-areas'), page: { start: 0, length } };
    const tracked = bytes === undefined ? ground : { ...ground, granularityBytes: bytes };
    const cuts = planCells([page], { ground: tracked, faults: ['cbt-page-cut'] });
    expect(cuts.filter(({ persistence }) => persistence === 'once')).toHaveLength(times);
  });

  it('knows no refusal of a call that does not exist', () => {
    for (const operations of Object.values(REFUSALS))
      for (const name of operations) expect(OPERATION_NAMES).toContain(name);
  });
});

const SCENARIO = {
  id: 'W99-example',
  title: 'An example of a scenario',
  rule: 'A product must be able to do this.',
  why: 'Otherwise nothing works at all.',
  world: { servers: [{ name: 'vm1', disks: [{ slot: 'ide0', size: '64KiB' }] }] },
  steps: [{ backup: {} }],
};

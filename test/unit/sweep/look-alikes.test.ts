import { describe, expect, it } from 'vitest';
import { Eras } from '../../../harness/sweep/eras.ts';
import { withoutLookAlikes } from '../../../harness/sweep/look-alikes.ts';
import { planCells } from '../../../harness/sweep/plan-cells.ts';
import type { Point } from '../../../harness/sweep/sweep-api.ts';

const ground = { isTls: false, usesTokens: false, usesProxies: false };

function point(id: `${Point['kind']}:${string}`, more: Partial<Point> = {}): Point {
  const [kind = '', name = ''] = id.split(':');
  return { id, kind: kind as Point['kind'], name, nth: 1, ordinal: 1, atMs: 0, ...more };
}

function left(points: readonly Point[], faults: readonly string[], on = ground): readonly string[] {
  return withoutLookAlikes(planCells(points, { ground: on, faults }), on).map(({ id }) => id);
}

describe('look-alikes', () => {
  it('are deaths between which nothing changed, for each engine', () => {
    const question = point('rest.request:snapshots.get', { era: 3 });
    const answer = point('rest.reply:snapshots.get', { era: 3 });
    const step = point('checkpoint:lock', { era: 4 });
    const other = point('checkpoint:snapshot', { era: 4, engine: 'second' });
    expect(left([question, answer, step, other], ['kill'])).toEqual([
      'rest.request:snapshots.get/kill/once',
      'checkpoint:lock/kill/once',
      'checkpoint:snapshot/kill/once',
    ]);
    // Of points of which nothing is known none is left out.
    expect(left([point('checkpoint:lock'), point('checkpoint:base')], ['kill'])).toHaveLength(2);
  });

  it('are a death after a write and the one before the next; a power cut is none', () => {
    const write = point('storage.write:tmp', { era: 1, eraAfter: 2 });
    const sync = point('storage.sync:tmp', { era: 2, eraAfter: 3 });
    const faults = ['kill', 'kill-after', 'power-cut', 'power-cut-after'];
    expect(left([write, sync], faults)).toEqual([
      'storage.write:tmp/kill/once',
      'storage.write:tmp/kill-after/once',
      'storage.write:tmp/power-cut/once',
      'storage.write:tmp/power-cut-after/once',
      'storage.sync:tmp/kill-after/once',
      'storage.sync:tmp/power-cut-after/once',
    ]);
  });

  it('are a question that is lost and its lost answer; an order that is lost is none', () => {
    const faults = ['lose-request', 'lose-reply'];
    expect(left([point('rest.request:tasks.get'), point('rest.reply:tasks.get')], faults)).toEqual([
      'rest.request:tasks.get/lose-request/once',
      'rest.request:tasks.get/lose-request/sticky',
    ]);
    const order = [point('rest.request:snapshots.create'), point('rest.reply:snapshots.create')];
    expect(left(order, faults)).toHaveLength(4);
  });

  it('are a cut answer and garbage, but at the first call of an operation', () => {
    const faults = ['garbage-reply', 'truncated-reply'];
    expect(left([point('rest.reply:tasks.get')], faults)).toHaveLength(4);
    expect(left([point('rest.reply:tasks.get', { nth: 2 })], faults)).toEqual([
      'rest.reply:tasks.get/garbage-reply/once',
      'rest.reply:tasks.get/garbage-reply/sticky',
    ]);
  });

  it('are a restart and a lost request while nobody is logged in and nothing is connected', () => {
    const faults = ['lose-request', 'restart'];
    const request = point('rest.request:snapshots.create', { isOffline: true });
    expect(left([request], faults)).not.toContain('rest.request:snapshots.create/restart/once');
    expect(left([request], faults)).toContain('rest.request:snapshots.create/restart/sticky');
    expect(left([request], faults, { ...ground, usesTokens: true })).toHaveLength(4);
    expect(left([point('rest.request:snapshots.create')], faults)).toHaveLength(4);
  });
});

describe('an era', () => {
  it('ends with a change, and after a second, because locks run out', () => {
    let nowMs = 0;
    const eras = new Eras(() => nowMs);
    expect(eras.now).toBe(0);
    nowMs = 999;
    expect(eras.now).toBe(0);
    nowMs = 1000;
    expect(eras.now).toBe(1);
    eras.end();
    expect(eras.now).toBe(2);
  });
});

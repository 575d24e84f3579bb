import { describe, expect, it } from 'vitest';
import { chooseCells } from '../../../harness/sweep/cell-timelines.ts';
import { cellResult, point } from './sweep-results.ts';

const step = point('checkpoint:commit#1');
const calls = Array.from({ length: 100 }, (_, at) => point(`rest.request:login#${at + 1}`));

describe('the runs of a sweep that are played again', () => {
  it('are the failing ones, first those that differ, then one of each kind of point', () => {
    const violations = calls.map((call) => cellResult(call, 'kill', 'violation'));
    const last = cellResult(step, 'kill', 'violation');
    const survived = calls.map((call) => cellResult(call, 'delay'));
    const chosen = chooseCells({ cells: [...survived, ...violations, last] });
    expect(chosen).toHaveLength(61);
    expect(chosen.slice(0, 3).map(({ cell }) => cell.id)).toEqual([
      'rest.request:login#1/kill/once',
      'checkpoint:commit#1/kill/once',
      'rest.request:login#2/kill/once',
    ]);
    expect(chosen.at(-1)).toBe(survived[0]);
  });

  it('show every outcome of a kind of point once', () => {
    const cells = calls
      .slice(0, 4)
      .map((call, at) => cellResult(call, 'kill', at < 2 ? 'missed' : 'survived'));
    expect(chooseCells({ cells }).map(({ cell }) => cell.points[0]?.nth)).toEqual([1, 3]);
  });
});

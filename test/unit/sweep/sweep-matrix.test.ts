import { describe, expect, it } from 'vitest';
import { renderMatrix } from '../../../harness/report/sweep-matrix.ts';
import { cellResult, point, sweepResult } from './sweep-results.ts';

const login = point('rest.request:login#1');
const polls = [1, 2, 3].map((nth) => point(`rest.request:tasks.get#${nth}`, nth * 250));
const step = point('checkpoint:commit#1', 900);

function linesOf(...args: Parameters<typeof renderMatrix>): readonly string[] {
  return renderMatrix(...args).split('\n');
}

describe('the matrix of a sweep', () => {
  const points = [login, ...polls, step];
  const cells = [
    cellResult(login, 'kill'),
    cellResult(login, 'delay', 'missed'),
    cellResult(login, 'delay', 'survived', 'sticky'),
    ...polls.map((poll) => cellResult(poll, 'kill')),
    cellResult(step, 'kill', 'violation'),
    cellResult(step, 'clock-ahead', 'broken'),
  ];

  it('has a table for each kind of point, rows in time, a letter for once and one for sticky', () => {
    expect(linesOf(sweepResult(points, cells), { isWhole: true })).toEqual([
      'W99-example, nbd, seed 1: 8 runs, 1 violations',
      'a letter for once, one for from there on: . survived  V violation  m missed  u undetectable  B broken',
      '',
      'rest.request     seconds a  b',
      'login#1            0.000 .  m.',
      'tasks.get#1..3     0.250 .',
      '  a kill   b delay',
      '',
      'checkpoint   seconds a  b',
      'commit#1       0.900 V  B',
      '  a kill   b clock-ahead',
      '',
    ]);
  });

  it('keeps apart the points of one name that came to different ends', () => {
    const [first, second, third] = polls;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three polls');
    const differ = [
      cellResult(first, 'kill'),
      cellResult(second, 'kill', 'violation'),
      cellResult(third, 'kill'),
    ];
    const names = linesOf(sweepResult(polls, differ), { isWhole: true }).filter((line) =>
      line.startsWith('tasks.get'),
    );
    expect(names.map((line) => line.split(/ +/))).toEqual([
      ['tasks.get#1', '0.250', '.'],
      ['tasks.get#2', '0.500', 'V'],
      ['tasks.get#3', '0.750', '.'],
    ]);
  });

  it('leaves out what was survived unless it is asked for the whole, and says so', () => {
    const lines = linesOf(sweepResult(points, cells), { isWhole: false });
    expect(lines.some((line) => line.startsWith('tasks.get'))).toBe(false);
    expect(lines.some((line) => line.startsWith('login#1'))).toBe(true);
    expect(lines).toContain('3 points where everything was survived are left out; --matrix shows them');
  });

  it('fits 120 columns, whatever the names and however many kinds of fault there are', () => {
    const long = point(`task.step:${'x'.repeat(200)}#12`);
    const many = Array.from({ length: 60 }, (_, at) => cellResult(long, `fault-number-${at}`, 'violation'));
    const lines = linesOf(sweepResult([long], many), { isWhole: true });
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(120);
    const letters = lines.filter((line) => line.includes('…#12')).join('');
    expect(letters.split('V')).toHaveLength(61);
    for (const { cell } of many) expect(lines.some((line) => line.includes(cell.fault))).toBe(true);
  });

  it('counts what has no place in it: pairs of attacks and the run without one', () => {
    const pair = cellResult(login, 'kill + delay', 'violation');
    const ofTwo = { ...pair, cell: { ...pair.cell, points: [login, step] } };
    const lines = linesOf(sweepResult(points, [...cells, ofTwo]), { isWhole: true });
    expect(lines).toContain('runs under two attacks or none: 1 violation');
    expect(lines.join('\n')).not.toContain('kill + delay');
  });
});

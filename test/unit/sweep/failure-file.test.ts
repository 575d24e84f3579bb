import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';
import { failureFile } from '../../../harness/sweep/failure-file.ts';
import { renderTotals, renderViolations, totalsOf } from '../../../harness/sweep/totals.ts';
import type { CellOutcome, CellResult, SweepResult } from '../../../harness/sweep/sweep-api.ts';

const scenario = parseScenario(
  `id: W99-example
title: An example of a scenario
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world: { servers: [{ name: vm1, disks: [{ slot: ide0, size: 64KiB }] }] }
attack: [{ kill: { when: { elapsed: 1s } } }]
steps: [{ backup: {} }]
`,
  'test.yaml',
);

function result(id: string, outcome: CellOutcome = 'violation'): CellResult {
  const attack = [{ kill: { when: { checkpoint: 'transfer', nth: 2 } } }];
  const cell = { id, points: [], fault: 'kill', persistence: 'once' as const, attack };
  return { cell, outcome, reason: `because of ${id}`, findings: [], journalHash: 'abc', virtualMs: 1 };
}

const task = { scenario, transport: 'nbd', seed: '7' } as const;

describe('the file of a failing cell', () => {
  it('is the scenario under all its attacks, for the engine that failed', () => {
    const { name, text } = failureFile(task, result('checkpoint:transfer#2/kill/once'));
    expect(name).toBe('W99-example.nbd.checkpoint_transfer_2_kill_once.yaml');
    const read = parseScenario(text, name);
    expect(read).toEqual({
      ...scenario,
      title: 'Under attack: checkpoint:transfer#2/kill/once',
      why: 'because of checkpoint:transfer#2/kill/once',
      engines: ['nbd'],
      attack: [{ kill: { when: { elapsed: '1s' } } }, { kill: { when: { checkpoint: 'transfer', nth: 2 } } }],
    });
  });

  it('says how to repeat it, and which journal must come out', () => {
    const { name, text } = failureFile({ ...task, mutant: 'broken' }, result('x/kill/once'));
    expect(text.split('\n').slice(0, 2)).toEqual([
      `# backlot replay ${name} --engine nbd --seed 7 --mutant broken`,
      '# journal abc',
    ]);
  });

  it('has a title that a scenario may have, however long the cell is called', () => {
    const { text } = failureFile(task, result('x'.repeat(300)));
    expect(() => parseScenario(text, 'test.yaml')).not.toThrow();
  });
});

describe('the totals of a sweep', () => {
  const sweep: SweepResult = {
    version: 1,
    scenario: 'W99-example',
    engine: 'nbd',
    seed: '1',
    points: [{ id: 'a', kind: 'checkpoint', name: 'a', nth: 1, ordinal: 1, atMs: 0 }],
    cells: [result('a', 'survived'), result('b'), result('c', 'missed'), result('d', 'broken')],
    durationMs: 1500,
  };

  it('count every outcome', () => {
    expect(totalsOf([sweep, sweep])).toEqual({
      points: 2,
      runs: 8,
      leftOut: 0,
      survived: 2,
      violations: 2,
      missed: 2,
      undetectable: 0,
      broken: 2,
    });
  });

  it('are told in a line, with the cells that failed below', () => {
    const line = renderTotals('name', totalsOf([sweep]), 1500);
    expect(line).toMatch(/^name +1 points, 4 runs, 1 violations, 1 missed, 1 broken in 1.5 s$/);
    const more = renderTotals('name', totalsOf([{ ...sweep, leftOut: 7 }]));
    expect(more).toContain('4 runs (7 look-alikes left out), 1 violations');
    expect(renderViolations(sweep, 'folder').split('\n')).toEqual([
      '  violation b',
      '    because of b',
      '    backlot replay folder/W99-example.nbd.b.yaml',
      '  missed c',
      '    because of c',
      '    backlot replay folder/W99-example.nbd.c.yaml',
      '  broken d',
      '    because of d',
      '    backlot replay folder/W99-example.nbd.d.yaml',
      '',
    ]);
    expect(renderViolations({ ...sweep, cells: [result('a', 'survived')] }, 'folder')).toBe('');
  });
});

import { afterAll, describe, expect, it } from 'vitest';
import { type PlayedAgain, playAgain } from '../../harness/replay/play-again.ts';
import { renderTimeline } from '../../harness/report/timeline.ts';
import { loadScenario } from '../../harness/runner/load-scenarios.ts';
import type { AttackNode } from '../../harness/runner/scenario-schema.ts';
import { chooseCells, playTimelines } from '../../harness/sweep/cell-timelines.ts';
import { createSweepLane } from '../../harness/sweep/lane.ts';
import { planSweep, sweep } from '../../harness/sweep/sweep.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';

const simulator = await createSimulator();
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
});

const scenario = loadScenario('scenarios/sweep/W01-full.yaml');
const run = { simulator, transport: 'nbd', seed: '1', seams: {} } as const;

function play(attack: readonly AttackNode[], until?: number): Promise<PlayedAgain> {
  return playAgain({
    ...run,
    scenario: { ...scenario, attack: [...attack] },
    ...(until === undefined ? {} : { until: ({ n }) => n === until }),
  });
}

const KILL: AttackNode = { kill: { when: { checkpoint: 'transfer', nth: 1 }, powerCut: true } };

describe('the timeline of an attack', () => {
  it('shows the engine killed in its step, its next process, and the end of the attack', async () => {
    const { record, marks, cast } = await play([KILL]);
    const texts = marks.map(({ text }) => text);
    const at = texts.indexOf('KILLED by a power cut');
    expect(texts.slice(at - 1, at + 3)).toEqual([
      'transfer',
      'KILLED by a power cut',
      'process 2 starts',
      'login',
    ]);
    expect(texts.filter((text) => text.startsWith('KILLED'))).toHaveLength(1);
    expect(texts.filter((text) => text === 'the attack is over')).toHaveLength(1);
    expect(texts.indexOf('the attack is over')).toBeGreaterThan(at);
    const positions = marks.map(({ n }) => n);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    const lines = renderTimeline(record.journal, { cast, marks, columns: 160 }).split('\n');
    const killed = lines.findIndex((line) => line.includes('KILLED by a power cut'));
    expect(lines[0]).toContain('engine');
    expect(killed).toBeGreaterThan(lines.findIndex((line) => line.includes('A: lock vm1 done')));
    expect(killed).toBeLessThan(lines.findLastIndex((line) => line.includes('A: snapshot vm1 begins')));
  });

  it('shows clocks that jump and storage that fails', async () => {
    const jumped = await play([{ clockJump: { when: { checkpoint: 'lock', nth: 1 }, by: '-3h' } }]);
    const texts = jumped.marks.map(({ text }) => text);
    expect(texts[texts.indexOf('lock') + 1]).toBe('CLOCK JUMPS -10800 s');
    const failed = await play([{ storageFault: { id: 'attack', operation: 'rename', times: 1 } }]);
    expect(failed.marks.filter(({ text }) => text.startsWith('STORAGE FAILS: rename '))).toHaveLength(1);
  });

  it('has the steps of a run that is not under attack, and no end of one', async () => {
    const { marks } = await playAgain({ ...run, scenario });
    const texts = marks.map(({ text }) => text);
    expect(texts.slice(-2)).toEqual(['commit', 'release']);
    expect(texts.filter((text) => text === 'transfer')).toHaveLength(1);
  });

  it('stops where the run stops', async () => {
    const { marks, stopped } = await play([KILL], 20);
    expect(stopped?.at).toBe(20);
    expect(marks.some(({ text }) => text.startsWith('KILLED'))).toBe(false);
  });
});

describe('the timelines of a sweep', () => {
  it('are those of its own runs', async () => {
    const task = { scenario, transport: 'nbd', seed: '1' } as const;
    const plan = await planSweep(simulator, task, {}, { faults: ['power-cut', 'clock-ahead'] });
    const result = await sweep({
      plan,
      lanes: [createSweepLane(simulator, () => ({}))],
      stopwatch: () => 0,
    });
    const chosen = chooseCells(result);
    expect(chosen.length).toBeGreaterThan(3);
    const timelines = await playTimelines(simulator, task, () => ({}), chosen);
    expect([...timelines.keys()]).toEqual(chosen.map(({ cell }) => cell.id));
    for (const [id, text] of timelines) {
      expect(text, id).not.toContain('NOT the journal');
      expect(text, id).toContain(id.includes('power-cut') ? 'KILLED' : 'CLOCK');
    }
    const [first] = chosen;
    if (first === undefined) throw new Error('nothing was swept');
    const other = await playTimelines(simulator, task, () => ({}), [{ ...first, journalHash: 'other' }]);
    expect(other.get(first.cell.id)).toContain('NOT the journal of the sweep');
  });
});

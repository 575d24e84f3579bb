import { describe, expect, it } from 'vitest';
import { drawSchedule, followSchedule } from '../../harness/explore/chooser.ts';
import { everySchedule } from '../../harness/explore/every-schedule.ts';
import { explore, playUnder } from '../../harness/explore/explore.ts';
import { limitsOf } from '../../harness/explore/races.ts';
import { parseSchedule } from '../../harness/explore/schedule.ts';
import { raceStage, walk } from './race-stage.ts';
import { createFileSimulator } from './story.ts';

const NAIVE = 'hotadd-without-queue';

const simulator = await createFileSimulator();

describe('interleavings of HotAdd calls', () => {
  it('of two jobs of one engine are all right, because no two disk tasks ever meet', async () => {
    const explored = await walk(simulator, 'one-engine');
    expect(explored.failures).toEqual([]);
    expect(explored.runs).toBe(19);
    expect(explored.collisions.size).toBe(0);
    expect(explored.comparedBytes).toBe(19 * 2 * 192 * 1024);
  });

  it('of two engines are all right, and every pair of calls has met in every way', async () => {
    const explored = await walk(simulator, 'two-engines');
    expect(explored.failures).toEqual([]);
    expect({ runs: explored.runs, schedules: explored.schedules }).toEqual({ runs: 96, schedules: 96 });
    const met = ['add/add', 'add/remove', 'remove/add', 'remove/remove'].flatMap((kind) => [
      kind,
      `${kind}=`,
    ]);
    expect([...explored.collisions.keys()]).toEqual(met);
  });

  it('of two engines are right as drawn from a seed too', async () => {
    const stage = raceStage(simulator, 'two-engines');
    const choosers = Array.from({ length: 12 }, (_, at) => drawSchedule(`drawn/${at}`));
    const explored = await explore({ ...stage, choosers });
    expect(explored.failures).toEqual([]);
    expect(explored.schedules).toBeGreaterThan(6);
  });
});

describe('an engine without a queue', () => {
  it('fails in the race error, and its schedule gives the same journal again', async () => {
    const stage = raceStage(simulator, 'one-engine', NAIVE);
    const choosers = everySchedule(limitsOf({}, false));
    const { failures } = await explore({ ...stage, choosers, onRun: ({ failure }) => failure === undefined });
    const [failed] = failures;
    expect(failed?.reason).toContain('Another disk task is running on the backup proxy');

    const follower = followSchedule(parseSchedule(failed?.schedule ?? ''));
    const again = await playUnder(stage, follower);
    expect(follower.remaining()).toEqual([]);
    expect(again.schedule).toBe(failed?.schedule);
    expect(again.failure).toBe(failed?.reason);
    expect(again.record.journalHash).toBe(failed?.journalHash);
  });

  it('is right as long as its calls come one after the other', async () => {
    const stage = raceStage(simulator, 'one-engine', NAIVE);
    const played = await playUnder(stage, followSchedule(parseSchedule('A./A+/A-/B./B+/B-')));
    expect(played.failure).toBeUndefined();
  });

  it('can play a schedule that an engine with a queue can not', async () => {
    const steps = parseSchedule('A./B./A+=B+');
    const unqueued = followSchedule(steps);
    await playUnder(raceStage(simulator, 'one-engine', NAIVE), unqueued);
    expect(unqueued.remaining()).toEqual([]);
    const queued = followSchedule(steps);
    const played = await playUnder(raceStage(simulator, 'one-engine'), queued);
    expect(queued.remaining()).toEqual([{ actor: 'B', act: '+', gap: '=' }]);
    expect(played.schedule).toBe('A./B./A+/B+/A-/B-');
  });
});

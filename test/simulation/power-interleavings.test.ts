import { describe, expect, it } from 'vitest';
import { followSchedule } from '../../harness/explore/chooser.ts';
import { everySchedule } from '../../harness/explore/every-schedule.ts';
import { explore, playUnder } from '../../harness/explore/explore.ts';
import { limitsOf } from '../../harness/explore/races.ts';
import { parseSchedule } from '../../harness/explore/schedule.ts';
import { raceStage, walk } from './race-stage.ts';
import { createFileSimulator } from './story.ts';

const simulator = await createFileSimulator();

describe('interleavings of HotAdd calls and the power of the proxy', () => {
  it.each(['one-engine-power-cut', 'two-engines-power-cut'])(
    'are all right with a power cut at every moment: %s',
    async (id) => {
      const explored = await walk(simulator, id);
      expect(explored.failures).toEqual([]);
      expect(explored.powerCuts).toBeGreaterThanOrEqual(explored.runs * 0.85);
      expect(explored.schedules).toBe(explored.runs);
    },
  );

  it('are all right where two engines start and power off one proxy', async () => {
    const explored = await walk(simulator, 'two-engines-start');
    expect(explored.failures).toEqual([]);
    expect(explored.runs).toBeGreaterThan(200);
    expect(explored.longestSchedule).toContain('Aoff=B+');
  });

  it('give the same journals again when their schedules are played one by one', async () => {
    const stage = raceStage(simulator, 'one-engine-power-cut');
    const journals = new Map<string, string>();
    const choosers = everySchedule(limitsOf({}, false));
    await explore({
      ...stage,
      choosers,
      onRun: ({ schedule, record }) => journals.set(schedule, record.journalHash).size > 0,
    });
    expect(journals.size).toBeGreaterThan(15);
    for (const [schedule, journalHash] of journals) {
      const again = await playUnder(stage, followSchedule(parseSchedule(schedule)));
      expect({ schedule: again.schedule, journalHash: again.record.journalHash }).toEqual({
        schedule,
        journalHash,
      });
    }
  });

  it('have the power cut in mid-read, and the disk taken away under the reader', async () => {
    const stage = raceStage(simulator, 'one-engine-power-cut');
    const played = await playUnder(stage, followSchedule(parseSchedule('A+^Poff')));
    const { journal } = played.record;
    const cut = journal.findIndex(
      (entry) => entry.type === 'task' && entry.action === 'stop' && entry.n > 20,
    );
    const gone = journal.find(({ type, n }) => type === 'guest.device' && n > cut);
    expect(played.schedule.startsWith('A+^Poff')).toBe(true);
    expect(gone).toMatchObject({ change: 'vanishes' });
  });
});

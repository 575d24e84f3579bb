import { describe, expect, it } from 'vitest';
import { type Chooser, followSchedule } from '../../../harness/explore/chooser.ts';
import { Gate, type Standby } from '../../../harness/explore/gate.ts';
import { formatSchedule, parseSchedule, type Step } from '../../../harness/explore/schedule.ts';
import type { StartedTask } from '../../../harness/explore/started-task.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

const TASK_MS = 400;

/** Calls that start a task of 400 ms, and when they were let through. */
class Stage {
  readonly clock = new VirtualClock(0);
  readonly calls: string[] = [];
  readonly gate: Gate;
  readonly #running = new Set<string>();

  constructor(chooser: Chooser, standby?: Standby) {
    this.gate = new Gate({
      clock: this.clock,
      chooser,
      actors: 2,
      patienceMs: 10_000,
      hasEnded: ({ id }) => !this.#running.has(id),
      ...(standby === undefined ? {} : { standby }),
    });
    this.gate.close();
  }

  call(step: Step): Promise<StartedTask> {
    const send = async (): Promise<StartedTask> => {
      this.calls.push(`${step.actor}${step.act} ${this.clock.now()}`);
      const id = `task-${this.calls.length}`;
      this.#running.add(id);
      this.clock.setTimer(this.clock.now() + TASK_MS, () => {
        this.#running.delete(id);
        this.gate.stir();
      });
      return { id, takesMs: TASK_MS };
    };
    return this.gate.pass(step, send, (task) => task);
  }

  async job(actor: string): Promise<void> {
    await this.call({ actor, act: '+' });
    await sleep(this.clock, TASK_MS);
    await this.call({ actor, act: '-' });
  }

  async play(actors: readonly string[]): Promise<string> {
    await this.clock.run(Promise.all(actors.map((actor) => this.job(actor))));
    return formatSchedule(this.gate.schedule);
  }
}

function follow(schedule: string): Chooser {
  return followSchedule(parseSchedule(schedule));
}

describe('the gate', () => {
  it.each([
    ['A+=B+', 0],
    ['A+~B+', 200],
    ['A+:B+', 400],
  ])('lets %s follow after %i ms', async (schedule, afterMs) => {
    const stage = new Stage(follow(schedule));
    const played = await stage.play(['A', 'B']);
    expect(played.startsWith(schedule)).toBe(true);
    expect(stage.calls.slice(0, 2)).toEqual(['A+ 0', `B+ ${afterMs}`]);
  });

  it('holds whoever is not named, for as long as the others take', async () => {
    const stage = new Stage(follow('B+/B-/A+/A-'));
    expect(await stage.play(['A', 'B'])).toBe('B+/B-/A+/A-');
  });

  it('waits for one who can not come no longer than its patience', async () => {
    const stage = new Stage(follow('A+/A-'));
    await stage.play(['A']);
    expect(stage.calls).toEqual(['A+ 10000', 'A- 20400']);
  });

  it('does not wait for one who has left', async () => {
    const stage = new Stage(follow('A+/A-'));
    stage.gate.leave();
    await stage.play(['A']);
    expect(stage.calls).toEqual(['A+ 0', 'A- 400']);
  });

  it('offers one moment after the other, and both actors where they stand there', async () => {
    const moments: string[] = [];
    const chooser: Chooser = {
      choose({ gap, ready, canWait }) {
        moments.push(`${gap}${ready.map(({ actor, act }) => actor + act).join(',')}`);
        return canWait ? 'wait' : 0;
      },
    };
    await new Stage(chooser).play(['B', 'A']);
    expect(moments).toEqual(['/A+,B+', '=B+', '~B+', ':B+', '/A-,B+', '=B+', '~B+', ':B+', '/B+', '/B-']);
  });

  it('lets all go when it is opened', async () => {
    const stage = new Stage(follow('A+'));
    stage.clock.setTimer(50, () => stage.gate.open());
    expect(await stage.play(['A'])).toBe('');
    expect(stage.calls).toEqual(['A+ 50', 'A- 450']);
  });

  it('hands a failure on to the one who called', async () => {
    const { gate, clock } = new Stage(follow('A+'));
    const refused = gate.pass(
      { actor: 'A', act: '+' },
      () => Promise.reject(new Error('refused')),
      () => undefined,
    );
    await expect(clock.run(refused)).rejects.toThrow('refused');
  });
});

describe('one who stands by', () => {
  const operator = (log: string[]): Standby => ({
    step: { actor: 'P', act: 'off' },
    canGo: () => true,
    go: () => void log.push('off'),
  });

  it('goes once, when the schedule says so', async () => {
    const log: string[] = [];
    const stage = new Stage(follow('A+~Poff/A-/B+/B-'), operator(log));
    expect(await stage.play(['A', 'B'])).toBe('A+~Poff/A-/B+/B-');
    expect(log).toEqual(['off']);
  });

  it('goes in the midst of reading', async () => {
    const log: string[] = [];
    const stage = new Stage(follow('A+^Poff/A-'), operator(log));
    stage.clock.setTimer(10_450, () => stage.gate.readNow());
    expect(await stage.play(['A'])).toBe('A+^Poff/A-');
    expect(log).toEqual(['off']);
  });

  it('is not waited for', async () => {
    const log: string[] = [];
    await new Stage(follow('A+/A-'), operator(log)).play(['A']);
    expect(log).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { Agenda } from '../../../simulator/domain/agenda.ts';

describe('Agenda', () => {
  it('runs what is due in order of instant, then of creation, each at its own instant', async () => {
    const clock = new VirtualClock(0);
    const agenda = new Agenda(clock);
    const seen: string[] = [];
    for (const [name, atMs] of [
      ['b', 20],
      ['a', 10],
      ['c', 20],
    ] as const)
      agenda.at(atMs, () => seen.push(`${name}@${agenda.now()}`));
    await clock.advanceTo(100);
    expect(seen).toEqual(['a@10', 'b@20', 'c@20']);
    expect(agenda.now()).toBe(100);
  });

  it('settles without its timer when a command comes late', () => {
    let nowMs = 0;
    const agenda = new Agenda({
      now: () => nowMs,
      setTimer: () => ({ cancel: () => undefined }),
      hold: () => () => undefined,
    });
    const seen: number[] = [];
    agenda.at(10, () => {
      seen.push(agenda.now());
      agenda.at(15, () => seen.push(agenda.now()));
    });
    nowMs = 9;
    agenda.settle();
    expect(seen).toEqual([]);
    nowMs = 50;
    agenda.settle();
    expect(seen).toEqual([10, 15]);
  });

  it('runs nothing that was cancelled, and keeps no timer when nothing is due', async () => {
    const clock = new VirtualClock(0);
    const agenda = new Agenda(clock);
    const seen: string[] = [];
    const gone = agenda.at(10, () => seen.push('gone'));
    agenda.at(20, () => seen.push('stays'));
    gone.cancel();
    expect(clock.nextTimerMs()).toBe(20);
    await clock.advanceTo(30);
    expect(seen).toEqual(['stays']);
    expect(clock.nextTimerMs()).toBeUndefined();
  });

  it('runs nothing after it was closed', async () => {
    const clock = new VirtualClock(0);
    const agenda = new Agenda(clock);
    const seen: string[] = [];
    agenda.at(10, () => seen.push('late'));
    agenda.close();
    await clock.advanceTo(30);
    agenda.settle();
    expect(seen).toEqual([]);
    expect(clock.nextTimerMs()).toBeUndefined();
  });

  it('goes on with the rest after an event failed', async () => {
    const clock = new VirtualClock(0);
    const agenda = new Agenda(clock);
    const seen: string[] = [];
    agenda.at(10, () => {
      throw new Error('broken');
    });
    agenda.at(10, () => seen.push('next'));
    await expect(clock.advanceTo(10)).rejects.toThrow('broken');
    agenda.settle();
    expect(seen).toEqual(['next']);
  });
});

import { describe, expect, it } from 'vitest';
import { drawSchedule, followSchedule } from '../../../harness/explore/chooser.ts';
import { parseSchedule } from '../../../harness/explore/schedule.ts';
import { adders, playSteps } from './play-steps.ts';

describe('a schedule that is followed', () => {
  it('is played as it stands', () => {
    const follower = followSchedule(parseSchedule('B+/A+/B-/A-'));
    expect(playSteps(follower, adders('AB'))).toBe('B+/A+/B-/A-');
    expect(follower.remaining()).toEqual([]);
  });

  it('goes on in order after its end', () => {
    expect(playSteps(followSchedule(parseSchedule('B+')), adders('AB'))).toBe('B+/A+/A-/B-');
  });

  it('tells what could not be made', () => {
    const follower = followSchedule(parseSchedule('A+/C+/B+'));
    playSteps(follower, adders('AB'));
    expect(follower.remaining().map(({ actor }) => actor)).toEqual(['C', 'B']);
  });

  it('waits for the moment that it names', () => {
    const follower = followSchedule(parseSchedule('A+~B+'));
    const ready = [{ actor: 'B', act: '+' }] as const;
    follower.choose({ gap: '/', ready: [{ actor: 'A', act: '+' }], canWait: false });
    expect(follower.choose({ gap: '=', ready, canWait: true })).toBe('wait');
    expect(follower.choose({ gap: '~', ready, canWait: true })).toBe(0);
  });
});

describe('schedules that are drawn', () => {
  const drawn = (count: number): string[] =>
    Array.from({ length: count }, (_, at) => playSteps(drawSchedule(`seed/${at}`, 2, 6), adders('ABC')));

  it('are the same for the same seed', () => {
    expect(drawn(20)).toEqual(drawn(20));
  });

  it('are many different ones', () => {
    expect(new Set(drawn(60)).size).toBeGreaterThan(10);
  });

  it('sometimes use a moment and sometimes let it pass', () => {
    const ready = [{ actor: 'B', act: '+' }] as const;
    const answers = Array.from({ length: 40 }, (_, at) =>
      drawSchedule(`moment/${at}`).choose({ gap: '=', ready, canWait: true }),
    );
    expect(new Set(answers)).toEqual(new Set([0, 'wait']));
  });
});

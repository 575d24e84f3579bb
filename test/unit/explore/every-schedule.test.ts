import { describe, expect, it } from 'vitest';
import type { Chooser } from '../../../harness/explore/chooser.ts';
import { everySchedule, NotDeterministic } from '../../../harness/explore/every-schedule.ts';
import type { Step } from '../../../harness/explore/schedule.ts';
import { adders, playSteps } from './play-steps.ts';

function playAll(choosers: Iterable<Chooser>, lists: readonly (readonly Step[])[]): string[] {
  const played: string[] = [];
  for (const chooser of choosers) played.push(playSteps(chooser, lists));
  return played;
}

describe('every schedule', () => {
  it('is each interleaving of two actors with two steps once', () => {
    expect(playAll(everySchedule(), adders('AB')).toSorted()).toEqual([
      'A+/A-/B+/B-',
      'A+/B+/A-/B-',
      'A+/B+/B-/A-',
      'B+/A+/A-/B-',
      'B+/A+/B-/A-',
      'B+/B-/A+/A-',
    ]);
  });

  it('of three actors with two steps are 6! / (2! 2! 2!)', () => {
    const played = playAll(everySchedule(), adders('ABC'));
    expect(played).toHaveLength(90);
    expect(new Set(played).size).toBe(90);
  });

  it('is one when there is never a choice', () => {
    expect(playAll(everySchedule(), adders('A'))).toEqual(['A+/A-']);
  });

  it('leaves out what is not to be tried, and nothing else', () => {
    const tries = (step: Step, _gap: string, made: number): boolean => made > 0 || step.actor === 'A';
    expect(playAll(everySchedule({ tries }), adders('AB'))).toEqual([
      'A+/A-/B+/B-',
      'A+/B+/A-/B-',
      'A+/B+/B-/A-',
    ]);
  });

  it('goes in order after the last step that is explored', () => {
    const isLast = ({ actor, act }: Step): boolean => actor === 'B' && act === '+';
    expect(playAll(everySchedule({ isLast }), adders('AB')).toSorted()).toEqual([
      'A+/A-/B+/B-',
      'A+/B+/A-/B-',
      'B+/A+/A-/B-',
    ]);
  });

  it('lets every moment pass and every moment be used', () => {
    const answers: string[] = [];
    for (const chooser of everySchedule()) {
      const ready: Step[] = [{ actor: 'B', act: '+' }];
      const first = chooser.choose({ gap: '=', ready, canWait: true });
      const second = first === 'wait' ? chooser.choose({ gap: '~', ready, canWait: true }) : '-';
      answers.push(`${first} ${second}`);
    }
    expect(answers).toEqual(['0 -', 'wait 0', 'wait wait']);
  });

  it('notices when the same answers lead to other questions', () => {
    let runs = 0;
    const walk = (): void => {
      for (const chooser of everySchedule()) playSteps(chooser, adders(runs++ === 0 ? 'AB' : 'BC'));
    };
    expect(walk).toThrow(NotDeterministic);
  });

  it('notices when a question is not asked again', () => {
    let runs = 0;
    const walk = (): void => {
      for (const chooser of everySchedule()) playSteps(chooser, runs++ === 0 ? adders('AB') : adders('A'));
    };
    expect(walk).toThrow(/was never asked again/);
  });
});

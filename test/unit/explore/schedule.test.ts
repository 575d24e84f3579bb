import { describe, expect, it } from 'vitest';
import { formatSchedule, parseSchedule, ScheduleInvalid } from '../../../harness/explore/schedule.ts';

describe('a schedule as text', () => {
  it('is read back as it was written', () => {
    const text = 'A.~B+/A-=B-:Poff^Bon';
    expect(formatSchedule(parseSchedule(text))).toBe(text);
  });

  it('may have spaces', () => {
    expect(formatSchedule(parseSchedule(' A+ =B+ / A- '))).toBe('A+=B+/A-');
  });

  it.each([
    ['', 'at least one step'],
    ['A+B+', '"B+" lacks one of'],
    ['a+', 'no step begins at "a+"'],
    ['A+/B*', 'no step begins at "/B*"'],
    ['A+/', 'no step begins at "/"'],
  ])('%j is refused with what is wrong', (text, message) => {
    expect(() => parseSchedule(text)).toThrow(ScheduleInvalid);
    expect(() => parseSchedule(text)).toThrow(message);
  });
});

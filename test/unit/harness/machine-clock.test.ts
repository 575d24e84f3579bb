import { describe, expect, it } from 'vitest';
import { MachineClock } from '../../../harness/runner/machine-clock.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

describe('the clock of an engine’s machine', () => {
  it('is right until it jumps, and wrong by the sum of its jumps from then on', () => {
    const clock = new MachineClock(new VirtualClock(1000));
    expect(clock.now()).toBe(1000);
    clock.jump(500);
    clock.jump(-200);
    expect(clock.now()).toBe(1300);
  });

  it.each([3_600_000, -3_600_000])(
    'lets what waits wait as long as it was to, across a jump of %d ms',
    async (by) => {
      const world = new VirtualClock(10_000_000);
      const clock = new MachineClock(world);
      const waits = [sleep(clock, 1000)];
      clock.jump(by);
      waits.push(sleep(clock, 3000));
      await world.run(Promise.all(waits));
      expect(world.now()).toBe(10_003_000);
    },
  );
});

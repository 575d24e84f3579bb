import { describe, expect, it } from 'vitest';
import { createPatientClock } from '../../../simulator/guest/patient-clock.ts';
import { sleep, whileHolding } from '../../../src/kernel/clock.ts';
import { Journal } from '../../../src/kernel/journal.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import type { PlannedFault } from '../../../simulator/fault/fault-api.ts';

const DELAY: PlannedFault = {
  id: 'slow',
  spec: { on: 'guest', kind: 'delay', ms: 5000, when: 'before' },
  seen: 1,
  fired: 1,
};

function stage() {
  const clock = new VirtualClock(0);
  const journal = new Journal({ now: () => clock.now() });
  const faults = {
    list: () => [DELAY],
    isNone: () => false,
    add: () => DELAY,
    clear: () => undefined,
    strike: () => [],
    onPlanned: () => undefined,
    onCleared: () => undefined,
  };
  const patient = createPatientClock(clock, { world: { journal }, faults });
  const strike = (at: string): void => {
    journal.append({ type: 'fault.fired', fault: 'slow', kind: 'delay', at, count: 1 });
  };
  return { clock, patient, strike };
}

/** Real asynchronous work of a few turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('patient clock', () => {
  it('stands still while somebody outside is at work', async () => {
    const { clock, patient } = stage();
    const end = await clock.run(
      whileHolding(patient, async () => {
        await turns(50);
        return clock.now();
      }),
    );
    expect(end).toBe(0);
  });

  it('goes on while what is worked for is a planned delay in the guest', async () => {
    const { clock, patient, strike } = stage();
    const work = whileHolding(patient, async () => {
      strike('guest vm1 ide0');
      await sleep(clock, 5000);
      return clock.now();
    });
    expect(await clock.run(work)).toBe(5000);
  });

  it('stands still again after the delay', async () => {
    const { clock, patient, strike } = stage();
    const ticks: number[] = [];
    clock.setTimer(60_000, () => ticks.push(clock.now()));
    const work = whileHolding(patient, async () => {
      strike('guest vm1 ide0');
      await sleep(clock, 5000);
      await turns(50);
      return clock.now();
    });
    expect(await clock.run(work)).toBeLessThanOrEqual(5001);
    expect(ticks).toEqual([]);
  });

  it('does not go on for a delay elsewhere', async () => {
    const { clock, patient, strike } = stage();
    const work = whileHolding(patient, async () => {
      strike('nbd vm1 ide0');
      void sleep(clock, 5000);
      await turns(50);
      return clock.now();
    });
    expect(await clock.run(work)).toBe(0);
  });
});

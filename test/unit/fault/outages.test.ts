import { describe, expect, it } from 'vitest';
import { Outages } from '../../../simulator/fault/outages.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

function stage() {
  const clock = new VirtualClock(0);
  let clear = (_id: string): void => undefined;
  const outages = new Outages(clock, { onCleared: (listener) => void (clear = listener) });
  const heard: string[] = [];
  const start = (fault: string, what: string, ms: number): void =>
    outages.start(fault, {
      what,
      ms,
      begin: () => void heard.push(`${clock.now()} ${what} out`),
      end: () => void heard.push(`${clock.now()} ${what} back`),
    });
  return { clock, start, heard, clear: (id: string) => clear(id) };
}

describe('an outage', () => {
  it('ends with its time', async () => {
    const { clock, start, heard } = stage();
    start('one', 'host', 100);
    await clock.advanceBy(1_000);
    expect(heard).toEqual(['0 host out', '100 host back']);
  });

  it('ends with its fault, once', async () => {
    const { clock, start, heard, clear } = stage();
    start('one', 'host', 100);
    start('one', 'store', 100);
    await clock.advanceBy(50);
    clear('two');
    clear('one');
    await clock.advanceBy(1_000);
    expect(heard).toEqual(['0 host out', '0 store out', '50 host back', '50 store back']);
  });

  it('lasts as long as anybody holds the same thing', async () => {
    const { clock, start, heard } = stage();
    start('one', 'host', 100);
    await clock.advanceBy(50);
    start('two', 'host', 100);
    await clock.advanceBy(1_000);
    expect(heard).toEqual(['0 host out', '150 host back']);
    start('one', 'host', 10);
    await clock.advanceBy(1_000);
    expect(heard.slice(2)).toEqual(['1050 host out', '1060 host back']);
  });
});

import { duplexPair } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { gateStorage, StorageStage } from '../../../harness/runner/gated-storage.ts';
import { gateClock, gateDial, gateTransport, KillSwitch } from '../../../harness/runner/kill-switch.ts';
import { sleep } from '../../../src/kernel/clock.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';
import { StorageFailure } from '../../../src/repository/storage-failure.ts';
import type { HttpTransport } from '../../../src/sdk/http-transport.ts';

/** `pending` when the promise has not settled although nothing is left to do. */
async function stateOf(clock: VirtualClock, work: Promise<unknown>): Promise<'pending' | 'done' | 'failed'> {
  let state: 'pending' | 'done' | 'failed' = 'pending';
  work.then(
    () => (state = 'done'),
    () => (state = 'failed'),
  );
  await clock.advanceBy(60_000);
  return state;
}

const answering: HttpTransport = {
  send: async () => ({ status: 200, headers: {}, body: '{}' }),
  close: async () => undefined,
};
const request = { method: 'GET', path: '/', headers: {} } as const;

describe('kill switch', () => {
  it('lets everything through while the process lives', async () => {
    const clock = new VirtualClock(0);
    const power = new KillSwitch();
    expect(await stateOf(clock, gateTransport(answering, power).send(request))).toBe('done');
    expect(await stateOf(clock, sleep(gateClock(clock, power), 1000))).toBe('done');
  });

  it('reads answers as the transport behind it does', () => {
    const parseJson = (text: string): unknown => text;
    expect(gateTransport({ ...answering, parseJson }, new KillSwitch()).parseJson).toBe(parseJson);
  });

  it('answers no call after the kill, nor one that was under way', async () => {
    const clock = new VirtualClock(0);
    const power = new KillSwitch();
    const slow: HttpTransport = {
      send: async () => {
        await sleep(clock, 1000);
        return { status: 200, headers: {}, body: '{}' };
      },
      close: async () => undefined,
    };
    const underWay = gateTransport(slow, power).send(request);
    power.kill();
    expect(await stateOf(clock, underWay)).toBe('pending');
    expect(await stateOf(clock, gateTransport(answering, power).send(request))).toBe('pending');
  });

  it('fires no timer after the kill and leaves none behind', async () => {
    const clock = new VirtualClock(0);
    const power = new KillSwitch();
    const nap = sleep(gateClock(clock, power), 1000);
    power.kill();
    expect(clock.nextTimerMs()).toBeUndefined();
    expect(await stateOf(clock, nap)).toBe('pending');
  });

  it('lets time go on that the dead process was holding', async () => {
    const clock = new VirtualClock(0);
    const power = new KillSwitch();
    gateClock(clock, power).hold();
    power.kill();
    await clock.advanceBy(5);
    expect(clock.now()).toBe(5);
  });

  it('tears down the streams of the dead process, so that the other side sees them end', async () => {
    const clock = new VirtualClock(0);
    const power = new KillSwitch();
    const [mine, theirs] = duplexPair();
    theirs.on('error', () => undefined);
    theirs.write(new Uint8Array(1_000_000));
    const hasEnded = new Promise((resolve) => theirs.once('close', resolve));
    const stream = await gateDial(async () => mine, power)('host', 1, new AbortController().signal);
    power.kill();
    expect(stream.destroyed).toBe(true);
    expect(await stateOf(clock, hasEnded)).toBe('done');
  });
});

describe('gated storage', () => {
  it('fails exactly the operations that are planned to fail', async () => {
    const stage = new StorageStage();
    stage.faults.push({
      id: 'f',
      operation: 'write',
      path: 'points/',
      after: 1,
      times: 1,
      seen: 0,
      fired: 0,
    });
    const storage = gateStorage(new MemoryStorage(), stage, new KillSwitch());
    await storage.write('chunks/a', new Uint8Array(1));
    await storage.write('points/a', new Uint8Array(1));
    await expect(storage.write('points/b', new Uint8Array(1))).rejects.toBeInstanceOf(StorageFailure);
    await storage.write('points/c', new Uint8Array(1));
    expect(await storage.list('points')).toEqual(['a', 'c']);
    expect(stage.faults[0]?.fired).toBe(1);
  });

  it.each([
    ['before', false],
    ['after', true],
  ] as const)('can be killed %s an operation', async (side, isWritten) => {
    const clock = new VirtualClock(0);
    const power = new KillSwitch();
    const stage = new StorageStage();
    const inner = new MemoryStorage();
    stage.watch((seen) => seen === side && power.kill());
    const writing = gateStorage(inner, stage, power).write('a', new Uint8Array(1));
    expect(await stateOf(clock, writing)).toBe('pending');
    expect(await inner.exists('a')).toBe(isWritten);
  });
});

/** How soon a process and a world are ready, and what an idle process holds. */
import { residentBytes, runTimed } from './child.ts';
import { type BenchArea, inTurns, median, medianRatio, timed } from './measure.ts';
import { startServe } from './serve-child.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import { VirtualClock } from '../../kernel/virtual-clock.ts';

const IDLE_MS = 1500;

export const benchStart: BenchArea = async ({ rounds }) => {
  const idle: number[] = [];
  const ready = async (): Promise<number> => {
    await using serve = await startServe();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    idle.push(residentBytes(serve.pid) / 2 ** 20);
    return serve.readyMs;
  };
  const bare = (): Promise<number> => runTimed(process.execPath, ['-e', '0']);
  const times = await inTurns(rounds, { ready, bare });
  const readyMs = median(times.ready);
  const idleMib = median(idle);
  return [
    {
      area: 'start',
      name: 'process ready',
      unit: 'ms',
      better: 'lower',
      value: readyMs,
      rounds,
      peer: 'node -e 0',
      peerValue: median(times.bare),
      ratio: medianRatio(times.ready, times.bare),
      target: '< 300',
      isReached: readyMs < 300,
    },
    {
      area: 'start',
      name: 'idle memory',
      unit: 'MiB',
      better: 'lower',
      value: idleMib,
      rounds,
      target: '< 100',
      isReached: idleMib < 100,
    },
  ];
};

export const benchWorld: BenchArea = async ({ rounds }) => {
  await using simulator = await createSimulator();
  const worldTimes: number[] = [];
  for (let at = -5; at < rounds * 20; at++) {
    const seed = `world ${at}`;
    const ms = await timed(() =>
      simulator.createWorld({ seed, clock: new VirtualClock(0), inventory: 'tiny' }),
    );
    if (at >= 0) worldTimes.push(ms);
  }
  const worldMs = median(worldTimes);
  const big = await timed(() =>
    simulator.createWorld({ seed: 'big', clock: new VirtualClock(0), inventory: 'datacenter' }),
  );
  return [
    {
      area: 'world',
      name: 'tiny world',
      unit: 'ms',
      better: 'lower',
      value: worldMs,
      rounds: worldTimes.length,
      target: '< 10',
      isReached: worldMs < 10,
    },
    { area: 'world', name: 'world of 10,000 servers', unit: 'ms', better: 'lower', value: big, rounds: 1 },
  ];
};

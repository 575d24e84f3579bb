/** A product that nobody drives: the reference engine, of whose jobs the watcher is not told. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildInventory, buildSettings } from '../../../harness/runner/build-world.ts';
import { Story } from '../../../harness/runner/story.ts';
import { WATCH_SCENARIO } from '../../../harness/watch/watch-world.ts';
import { Watcher } from '../../../harness/watch/watcher.ts';
import type { Capability } from '../../../harness/driver/capabilities.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import type { Simulator } from '../../../simulator/app/simulator-api.ts';
import { DEFAULT_SETTINGS } from '../../../simulator/domain/default-settings.ts';
import type { Engine } from '../../../src/engine/engine-api.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator[Symbol.asyncDispose]());

async function watch(
  capabilities: readonly Capability[] | undefined,
  work: (stage: { story: Story; watcher: Watcher; engine: Engine; lines: string[] }) => Promise<void>,
): Promise<void> {
  const clock = new VirtualClock(Date.UTC(2026, 1, 3));
  const hosted = await simulator.createWorld({
    seed: 'watch',
    clock,
    inventory: buildInventory(WATCH_SCENARIO.world, 'watch'),
    settings: buildSettings(undefined, DEFAULT_SETTINGS),
  });
  const options = { scenario: WATCH_SCENARIO, transport: 'nbd', seed: 'watch', seams: {} } as const;
  const story = new Story({ ...options, simulator, hosted, clock });
  const lines: string[] = [];
  const watcher = new Watcher({
    story,
    ...(capabilities === undefined ? {} : { capabilities: new Set(capabilities) }),
    tell: (line) => lines.push(line.trim()),
  });
  try {
    await clock.run(
      (async () => {
        await watcher.begin();
        await work({ story, watcher, engine: story.installation().process().engine, lines });
      })(),
    );
  } finally {
    story.end();
    simulator.removeWorld(hosted.world.id);
  }
}

describe('a watched product', () => {
  it('is told step by step what it still has to show, and its restores are compared', async () => {
    await watch(undefined, async ({ watcher, engine, lines }) => {
      await watcher.look();
      await engine.backup({ server: 'erp-01', transport: 'nbdssl' });
      await watcher.look();
      const { pointId } = await engine.backup({ server: 'erp-01', transport: 'hotadd' });
      await watcher.look();
      await engine.restore({ pointId, to: 'new', newName: 'copy', transport: 'hotadd' });
      const items = await watcher.look();
      expect(items.every(({ isSeen }) => isSeen)).toBe(true);
      expect(lines).toEqual([
        'now:  log in',
        'full backup of erp-01 over nbdssl',
        'the guest of erp-01 made 12 writes',
        'seen: log in',
        'seen: take a full backup of erp-01',
        'now:  take an incremental backup of erp-01',
        'incremental backup of erp-01 over hotadd',
        'the guest of erp-01 made 12 writes',
        'seen: take an incremental backup of erp-01',
        'now:  restore it to a new server',
        'copy holds what erp-01 held: 10485760 bytes equal',
        'seen: restore it to a new server',
      ]);
      expect(watcher.conclude()).toEqual([]);
      expect(watcher.comparedBytes).toBe(10_485_760);
    });
  });

  it('has shown no backup while one still goes on', async () => {
    await watch(undefined, async ({ story, watcher, engine, lines }) => {
      const { promise, resolve } = Promise.withResolvers<readonly string[]>();
      const stop = story.world.journal.watch((entry) => {
        if (entry.type !== 'nbd.reply' || entry.bytes < 65_536) return;
        stop();
        resolve(watcher.look().then(() => [...lines]));
      });
      await engine.backup({ server: 'web-01', transport: 'nbd' });
      expect((await promise).filter((line) => line.includes('backup of web-01'))).toEqual([]);
      await watcher.look();
      expect(lines).toContain('full backup of web-01 over nbd');
    });
  });

  it('is asked for what it declares', async () => {
    await watch(['nbd', 'hotadd', 'restore-original'], async ({ watcher }) => {
      expect(watcher.checklist().map(({ text }) => text)).toEqual([
        'log in',
        'take a full backup of erp-01',
        'power erp-01 off and restore over it',
        'take a backup over NBD',
        'take a backup through the proxy',
      ]);
    });
  });

  it('is found out when a restored server holds what no backup held, or something is left', async () => {
    await watch(undefined, async ({ story, watcher, engine }) => {
      const { pointId } = await engine.backup({ server: 'web-01', transport: 'nbd' });
      await watcher.look();
      const { server } = await engine.restore({ pointId, to: 'new', newName: 'copy', transport: 'nbd' });
      await story.world.guest.write(story.server(server.name).id, 'ide0', 1024, new Uint8Array(512).fill(7));
      await watcher.look();
      story.world.snapshots.create(story.server('erp-01').id, { name: 'left', description: '' }, 'somebody');
      const found = watcher.conclude().map(({ where, actual }) => `${where}: ${actual}`);
      expect(found[0]).toBe('byte oracle: 512 bytes in wrong sectors');
      expect(found.slice(1).join()).toContain('leak oracle: snapshot left was left');
    });
  });
});

import { describe, expect, it } from 'vitest';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { createLane } from '../../harness/runner/run-suite.ts';
import { runScenario } from '../../harness/runner/run-scenario.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { createFileSimulator } from './story.ts';

const HEAD = `id: S900-example
title: A story for the runner's own tests
rule: A product must be able to do this.
why: Otherwise nothing works at all.
world:
  servers:
    - { name: vm1, disks: [{ slot: ide0, size: 128KiB, content: { allocated: 1 } }] }
    - { name: vm2, state: stopped, disks: [{ slot: ide0, size: 64KiB }] }
`;

const simulator = await createFileSimulator();

interface Play {
  readonly world?: string;
  readonly transport?: Transport;
  readonly seams?: Seams;
}

function play(
  steps: string,
  { world = '', transport = 'hotadd', seams = {} }: Play = {},
): Promise<ScenarioResult> {
  const scenario = parseScenario(`${HEAD}${world}steps: ${steps}\n`, 'test.yaml');
  return runScenario({ simulator, scenario, transport, seed: '1', seams }, () => 0);
}

const passed = { outcome: 'passed', reason: '' };

describe('worlds with proxies', () => {
  it('have a running proxy that an engine can hot-add to where the file names none', async () => {
    const steps = '[{ backup: { expect: { transport: hotadd, proxy: proxy-1 } } }]';
    expect(await play(steps)).toMatchObject(passed);
    expect((await play(steps, { transport: 'nbd' })).reason).toBe(
      'steps.0 backup: expected data path hotadd; got data path nbd',
    );
  });

  it('have none where the file says so', async () => {
    const steps = '[{ backup: { expect: { result: failure, error: { contains: no backup proxy } } } }]';
    const { findings } = await play(steps, { world: '  proxies: []\n' });
    expect(findings).toEqual([]);
  });

  it('have proxies where and as the file says', async () => {
    const world =
      '  datastores: [{ name: far, hosts: [2] }]\n  proxies: [{ name: p1 }, { name: p2, host: 2, state: stopped }]\n';
    const servers = HEAD.replaceAll('- { name', '- { host: 2, name');
    const scenario = parseScenario(
      `${servers}${world}steps: [{ backup: { expect: { proxy: p2 } } }]\n`,
      'test.yaml',
    );
    const run = { simulator, scenario, transport: 'hotadd', seed: '1', seams: {} } as const;
    expect(await runScenario(run, () => 0)).toMatchObject(passed);
  });
});

describe('steps of strangers at a proxy', () => {
  it('attach a disk and take it away', async () => {
    const steps = `[{ hotAdd: { server: vm2 } }, { check: { server: proxy-1, hotAdded: 1 } }, { backup: {} },
      { check: { server: proxy-1, hotAdded: 1 } }, { hotRemove: { server: vm2 } }]`;
    expect(await play(steps)).toMatchObject(passed);
  });

  it('fail the story when they are refused unexpectedly, or not refused', async () => {
    expect((await play('[{ hotAdd: { server: vm1 } }]')).reason).toMatch(
      /^steps\.0 hotAdd: expected hot-add of ide0 to proxy-1 is done; got refused: /,
    );
    expect((await play('[{ hotAdd: { server: vm2, expect: refused } }]')).reason).toBe(
      'steps.0 hotAdd: expected hot-add of ide0 to proxy-1 is refused; got done',
    );
    expect((await play('[{ hotRemove: { server: vm2 } }]')).reason).toMatch(/is done; got refused: /);
    expect((await play('[{ deleteServer: { server: vm2, expect: refused } }]')).reason).toBe(
      'steps.0 deleteServer: expected removal of vm2 is refused; got done',
    );
  });

  it('make a proxy a plain server', async () => {
    const steps = `[{ mark: { server: proxy-1, as: plain } }, { hotAdd: { server: vm2, expect: refused } },
      { mark: { server: proxy-1, as: proxy } }, { backup: {} }]`;
    expect(await play(steps)).toMatchObject(passed);
  });

  it('are counted by check', async () => {
    expect((await play('[{ check: { server: proxy-1, hotAdded: 1 } }]')).reason).toBe(
      'steps.0 check: expected disks hot-added to proxy-1: exactly 1; got 0',
    );
  });
});

describe('two engines in one world', () => {
  it('have repositories of their own', async () => {
    const steps = `[{ backup: { engine: second, as: one } }, { check: { points: 0 } },
      { check: { engine: second, points: 1 } }, { backup: { expect: { kind: full } } },
      { backup: { engine: second, expect: { kind: incremental } } }, { restore: { point: one } }]`;
    expect(await play(steps)).toMatchObject(passed);
    expect((await play('[{ backup: {} }, { check: { engine: second, points: 1 } }]')).reason).toBe(
      'steps.1 check: expected points: exactly 1; got 0',
    );
  });

  it('die one by one', async () => {
    const steps = `[{ kill: { engine: second, when: { dataBytes: 1 }, during: { backup: {} } } },
      { cleanup: { expect: { removed: [] } } },
      { cleanup: { engine: second, expect: { removed: [hot-added-disk, backup-resource, snapshot] } } },
      { backup: {} }]`;
    expect(await play(steps)).toMatchObject(passed);
  });
});

describe('points held against each other', () => {
  it('pass when they are the same over different data paths', async () => {
    const steps = `[{ backup: { as: a } }, { backup: { as: b, transport: nbdssl, engine: second } },
      { compare: { points: [a, b] } }]`;
    expect(await play(steps)).toMatchObject(passed);
  });

  it('fail the story with the place of the difference', async () => {
    const steps = `[{ backup: { as: a } }, { write: { at: 64KiB, length: 512 } }, { backup: { as: b } },
      { compare: { points: [a, b] } }]`;
    const { outcome, findings } = await play(steps);
    expect(outcome).toBe('failed');
    expect(findings[0]).toMatchObject({
      where: 'steps.3 compare',
      actual: '512 of 131072 bytes in wrong sectors',
      evidence: [expect.stringContaining('at 65536, 512 bytes')],
    });
  });
});

describe('faults and triggers of the data path', () => {
  const steps = `[{ fault: { id: slow, on: data, kind: delay, delay: 20s } },
    { together: [[{ backup: { expect: { takes: { atLeast: 20s } } } }], [{ waitFor: { dataBytes: 1 } }]] }]`;

  it.each(['nbd', 'hotadd'] as const)('strike whichever path the engine uses: %s', async (transport) => {
    const result = await play(steps, { transport });
    expect(result).toMatchObject(passed);
    expect(result.faults).toEqual([expect.objectContaining({ id: 'slow', fired: 1 })]);
  });

  it('leave the story inconclusive when they are meant for guests and there is none', async () => {
    const guest = steps.replace('on: data', 'on: guest').replace('expect: { takes: { atLeast: 20s } }', '');
    expect((await play(guest, { transport: 'nbd' })).reason).toBe('fault slow (delay) never fired');
  });

  it('see devices come and go', async () => {
    const watch = `[{ together: [[{ backup: {} }], [{ waitFor: { device: appears } },
      { check: { server: proxy-1, hotAdded: 1 } }, { waitFor: { device: vanishes } }]] }]`;
    expect(await play(watch)).toMatchObject(passed);
  });
});

describe('what an engine leaves at a proxy', () => {
  /** An engine whose calls of one operation get lost, without its knowing. */
  const deaf = (path: string): Seams => ({
    transport: (inner) => ({
      ...inner,
      send: async (request, signal) => {
        if (!request.path.includes(path)) return inner.send(request, signal);
        throw new Error('no way there');
      },
    }),
  });

  it('is a finding when its lock goes before its disks do', async () => {
    const { findings } = await play('[{ backup: {} }]', { seams: deaf('/disks/action') });
    expect(findings.map(({ where }) => where)).toContain('lock oracle');
    expect(findings.map(({ actual }) => actual).join()).toContain('was deleted while disk');
  });

  it('is a finding when a disk stays attached', async () => {
    const { findings } = await play('[{ kill: { when: { device: appears }, during: { backup: {} } } }]');
    const leaks = findings.filter(({ where }) => where === 'leak oracle').map(({ actual }) => actual);
    expect(leaks.join()).toMatch(/disk \S+ was left attached to \S+ as virtio1/);
  });

  it('is a finding when a proxy that was off stays on', async () => {
    const world = '  proxies: [{ name: proxy-1, state: stopped }]\n';
    const { findings } = await play('[{ backup: {} }]', { world, seams: deaf('/stop') });
    expect(findings.map(({ actual }) => actual).join()).toContain(
      'server proxy-1 was stopped and is running',
    );
  });
});

describe('stories and guest levels', () => {
  const lane = () => createLane({ simulator, stopwatch: () => 0 });
  const text = `${HEAD}guests: [socket]\nsteps: [{ backup: {} }]\n`;
  const task = { scenario: parseScenario(text, 'test.yaml'), transport: 'hotadd', seed: '1' } as const;

  it('are skipped at a level that they are not meant for', async () => {
    expect(await lane()({ ...task, guests: { level: 'loop' } })).toMatchObject({
      outcome: 'skipped',
      guest: 'loop',
      reason: 'not a story of guest level loop',
    });
  });

  it('are played without a level whatever levels they name', async () => {
    expect(await lane()(task)).toMatchObject({ outcome: 'passed', runs: 2 });
  });

  it('need a lane that can open guests', async () => {
    await expect(lane()({ ...task, guests: { level: 'socket' } })).rejects.toThrow('opens no guests');
  });
});

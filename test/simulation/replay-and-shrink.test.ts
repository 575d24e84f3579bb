import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { playAgain } from '../../harness/replay/play-again.ts';
import { readHeader, writeHeader } from '../../harness/replay/scenario-header.ts';
import { renderTimeline } from '../../harness/report/timeline.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { runOnce } from '../../harness/runner/run-once.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { failureKind } from '../../harness/shrink/failure-kind.ts';
import { scenarioText } from '../../harness/shrink/scenario-text.ts';
import { NothingToShrink, shrink } from '../../harness/shrink/shrink.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { backlot } from '../e2e/serve-process.ts';

/** Two servers, three disks and four attacks, of which the one on the lock matters. */
const BIG = `
id: S900-a-kill-among-other-things
title: Many things go wrong, of which one matters
stories: [F06]
rule: What a killed engine has made is found by the next one and removed.
why: A snapshot that nobody remembers grows until its datastore is full.
world:
  hosts: 3
  servers:
    - { name: vm1, disks: [{ slot: ide0, size: 512KiB, content: { allocated: 0.5 } }, { slot: ide1, size: 256KiB }] }
    - { name: vm2, disks: [{ slot: ide0, size: 256KiB }] }
engine: { lockTime: 60s, renewEvery: 20s, readBytes: 64KiB }
attack:
  - fault: { id: slow, on: snapshots.create, kind: delay, delay: 2s }
  - kill: { when: { operation: backup-resources.create, side: after }, powerCut: true }
  - fault: { id: lost, on: servers.list, kind: lose-reply }
  - fault: { id: late, on: cbt.changed-areas, kind: delay, delay: 1s, times: 0 }
steps:
  - backup: { server: vm2 }
  - write: { at: 0, length: 4KiB }
  - backup: {}
`;

const simulator = await createSimulator();
const folder = mkdtempSync(join(tmpdir(), 'backlot-replay-'));
afterAll(async () => {
  await simulator[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const FORGETFUL = 'forgets-what-it-made';

function forgetful(): Seams {
  const mutant = MUTANTS.find(({ id }) => id === FORGETFUL);
  if (mutant === undefined) throw new Error(`no mutant ${FORGETFUL}`);
  return mutant.seams();
}

const big = parseScenario(BIG, 'big.yaml');
const sound = (scenario: Scenario) =>
  runOnce({ simulator, scenario, transport: 'nbd', seed: '1', seams: {} });
const broken = (scenario: Scenario) =>
  runOnce({ simulator, scenario, transport: 'nbd', seed: '1', seams: forgetful() });

describe('shrinking', () => {
  test('keeps the failure and takes everything else away', async () => {
    const before = await broken(big);
    const shrunk = await shrink({ scenario: big, play: broken, maxRuns: 500 });
    expect(failureKind(shrunk.record)).toBe(failureKind(before));
    expect(shrunk.isMinimal).toBe(true);
    const { attack, world, steps } = shrunk.scenario;
    expect(attack).toHaveLength(1);
    expect(attack?.[0]?.kill).toBeDefined();
    expect(world.servers).toHaveLength(1);
    expect(world.servers[0]?.disks).toHaveLength(1);
    expect(steps).toHaveLength(1);
    expect(shrunk.scenario).not.toHaveProperty('stories');
    const text = scenarioText(shrunk.scenario);
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
    expect(parseScenario(text, 'small.yaml')).toEqual(shrunk.scenario);
    expect((await broken(parseScenario(text, 'small.yaml'))).journalHash).toBe(shrunk.record.journalHash);
  });

  test('ends with what it has when the budget of runs is spent', async () => {
    const { runs, isMinimal, record } = await shrink({ scenario: big, play: broken, maxRuns: 3 });
    expect(runs).toBe(3);
    expect(isMinimal).toBe(false);
    expect(record.outcome).toBe('failed');
  });

  test('refuses a scenario that does not fail', async () => {
    await expect(shrink({ scenario: big, play: sound, maxRuns: 10 })).rejects.toThrow(NothingToShrink);
  });
});

describe('replay', () => {
  const options = { simulator, scenario: big, transport: 'nbd', seed: '1', seams: {} } as const;

  test('gives the same journal again', async () => {
    const first = await playAgain(options);
    const second = await playAgain(options);
    expect(second.record.journalHash).toBe(first.record.journalHash);
    const timeline = renderTimeline(first.record.journal, { cast: first.cast, columns: 120 });
    expect(timeline).toMatch(/NBD/);
    expect(timeline).toMatch(/lose-reply/);
  });

  test('stops at an entry and shows the world as it was then', async () => {
    const whole = await playAgain(options);
    const isLocked = whole.record.journal.find(
      (entry) => entry.type === 'state' && entry.entity === 'backup-resource' && entry.to === 'running',
    );
    const { stopped, record } = await playAgain({ ...options, until: ({ n }) => n === isLocked?.n });
    expect(stopped?.at).toBe(isLocked?.n);
    expect(stopped?.state.resources).toMatchObject([{ status: 'running' }]);
    expect(record.journal.length).toBeLessThan(whole.record.journal.length);
    expect(record.journal.slice(0, stopped?.at)).toEqual(whole.record.journal.slice(0, stopped?.at));
  });

  test('goes to the end where the entry never comes', async () => {
    const { stopped, record } = await playAgain({ ...options, until: () => false });
    expect(stopped).toBeUndefined();
    expect(record).toMatchObject({ outcome: 'passed', findings: [] });
  });
});

describe('the lines at the top of a file', () => {
  test('are read as they were written', () => {
    const header = { engine: 'hotadd', seed: 'a7', mutant: 'x-y', journalHash: 'ab'.repeat(32) } as const;
    expect(readHeader(`${writeHeader('f.yaml', header)}id: S001\n`)).toEqual(header);
  });

  test('may be missing, and count only as comments', () => {
    expect(readHeader('id: S001\ntitle: use --engine nbd --seed 3\n')).toEqual({});
  });
});

describe('the commands', () => {
  test('replay and shrink a file that says how it failed', async () => {
    const file = join(folder, 'big.yaml');
    const small = join(folder, 'small.yaml');
    const { journalHash } = await broken(big);
    writeFileSync(
      file,
      `${writeHeader('big.yaml', { engine: 'nbd', seed: '1', mutant: FORGETFUL, journalHash })}${BIG}`,
    );
    const replayed = await backlot(['replay', file]);
    expect(replayed.code).toBe(1);
    expect(replayed.stdout).toContain('the same journal as written down');
    const shrunk = await backlot(['shrink', file, '--out', small]);
    expect(shrunk.code).toBe(0);
    expect(readFileSync(small, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(14);
    const again = await backlot(['replay', small, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'failed', isSameJournal: true });
    const other = await backlot(['replay', '--seed', '2', '--script', file]);
    expect(other.stdout).toContain('seed 2');
    expect(other.stdout).not.toContain('as written down');
  }, 120_000);

  test('replay says so, and fails, where the journal is not the one that was written down', async () => {
    const file = join(folder, 'other.yaml');
    const header = writeHeader('other.yaml', { engine: 'nbd', seed: '1', journalHash: 'ab'.repeat(32) });
    writeFileSync(file, `${header}${BIG}`);
    const { code, stdout } = await backlot(['replay', file]);
    expect(stdout).toMatch(/seed 1: passed$/m);
    expect(stdout).toContain(`NOT the journal as written down, ${'ab'.repeat(32)}`);
    expect(code).toBe(1);
  });

  test('say what is wrong with what they are given', async () => {
    const passes = await backlot(['shrink', 'S001', '--engine', 'nbd']);
    expect(passes).toMatchObject({ code: 1, stderr: expect.stringContaining('does not fail') });
    expect((await backlot(['replay', 'S00'])).code).toBe(2);
    expect((await backlot(['replay'])).stderr).toContain('it takes one scenario');
    const journal = join(folder, 'journal.ndjson');
    writeFileSync(journal, '{"n":0,"t":0,"type":"world.created","version":1,"seed":"1","preset":"tiny"}\n');
    expect(await backlot(['replay', journal])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Try "backlot judge ${journal}"`),
    });
    expect((await backlot(['replay', 'S001', '--mutant', 'nobody'])).stderr).toContain('list mutants');
  }, 60_000);
});

import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { loadScenario } from '../../harness/runner/load-scenarios.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { runOnce } from '../../harness/runner/run-once.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { failureFile } from '../../harness/sweep/failure-file.ts';
import { createSweepLane } from '../../harness/sweep/lane.ts';
import { storyOf } from '../../harness/sweep/look-alikes.ts';
import { underAttack } from '../../harness/sweep/run-cell.ts';
import type { CellResult, PlannedCell, SweepResult } from '../../harness/sweep/sweep-api.ts';
import {
  planSweep,
  type SweepLane,
  type SweepPlan,
  type SweepTask,
  sweep,
} from '../../harness/sweep/sweep.ts';
import type { Transport } from '../../src/engine/engine-api.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { createFileSimulator } from './story.ts';

const simulator = await createFileSimulator();

function taskOf(id: string, transport: Transport = 'nbd', mutant?: string): SweepTask {
  const scenario = loadScenario(`scenarios/sweep/${id}.yaml`);
  return { scenario, transport, seed: '1', ...(mutant === undefined ? {} : { mutant }) };
}

function seamsOf(id: string | undefined): Seams {
  return MUTANTS.find((mutant) => mutant.id === id)?.seams() ?? {};
}

async function plan(task: SweepTask, faults?: readonly string[]): Promise<SweepPlan> {
  return planSweep(simulator, task, seamsOf(task.mutant), faults === undefined ? {} : { faults });
}

function play(planned: SweepPlan, lanes?: readonly SweepLane[]): Promise<SweepResult> {
  const own = [createSweepLane(simulator, seamsOf)];
  return sweep({ plan: planned, lanes: lanes ?? own, stopwatch: () => 0 });
}

const GROUND = { isTls: false, usesTokens: false, usesProxies: false };

/** What becomes of all jobs and of the platform under an attack. */
async function fateOf(task: SweepTask, cell: PlannedCell): Promise<readonly string[]> {
  const scenario = underAttack(task.scenario, cell);
  const { outcome, journal } = await runOnce({ ...task, scenario, simulator, seams: {} });
  const told = journal.flatMap((entry) => {
    if (entry.type === 'job') return `${entry.operation} ${entry.phase} ${entry.error ?? ''}`;
    if (entry.type === 'state') return `${entry.entity} ${entry.to}`;
    return entry.type === 'task' ? `${entry.action} ${entry.status}` : [];
  });
  return [outcome, ...told];
}

function outcomes({ cells }: SweepResult): Record<string, string> {
  return Object.fromEntries(cells.map(({ cell, outcome, reason }) => [cell.id, `${outcome} ${reason}`]));
}

describe('the points of a run', () => {
  it('are the steps of a backup in their order, each of which can be named again', async () => {
    const { points, unsound } = await plan(taskOf('W01-full'));
    expect(unsound).toBeUndefined();
    const ids = points.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const inOrder = [
      'checkpoint:snapshot#1',
      'rest.request:snapshots.create#1',
      'task.step:snapshot.create:waiting#1',
      'rest.reply:snapshots.create#1',
      'task.step:snapshot.create:finish#1',
      'rest.request:backup-resources.create#1',
      'nbd.request:READ#1',
      'nbd.reply:READ#1',
      'storage.rename:points#1',
      'rest.request:backup-resources.delete#1',
      'storage.remove:notes#1',
    ];
    expect(ids.filter((id) => inOrder.includes(id))).toEqual(inOrder);
    const times = points.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  it('are of every kind in one of the scenarios made for sweeping', async () => {
    const kinds = new Set<string>();
    for (const task of [taskOf('W04-hotadd-full', 'hotadd'), taskOf('W07-renewals')])
      for (const { kind } of (await plan(task)).points) kinds.add(kind);
    expect([...kinds].sort()).toEqual([
      'checkpoint',
      'guest.device',
      'guest.io',
      'lease.tick',
      'nbd.reply',
      'nbd.request',
      'rest.reply',
      'rest.request',
      'storage.remove',
      'storage.rename',
      'storage.sync',
      'storage.write',
      'task.step',
    ]);
  });

  it('are struck where they are: the journals under attack are those of the clean run up to then', async () => {
    const task = taskOf('W01-full');
    const planned = await plan(task, ['lose-request', 'lose-reply', 'error', 'expire-resource']);
    const clean = (await runOnce({ ...task, simulator, seams: {} })).journal;
    const once = planned.cells.filter(({ persistence }) => persistence === 'once');
    for (const { id, attack, points } of once.filter((_, at) => at % 5 === 0)) {
      const scenario = { ...task.scenario, attack: [...attack] };
      const { journal } = await runOnce({ ...task, scenario, simulator, seams: {} });
      const at = journal.findIndex(({ type }) => type === 'fault.fired');
      expect(at, id).toBeGreaterThan(0);
      expect(JSON.stringify(journal.slice(0, at)), id).toBe(JSON.stringify(clean.slice(0, at)));
      expect(journal[at]?.t, id).toBe((clean[0]?.t ?? 0) + (points[0]?.atMs ?? 0));
    }
  });
});

describe('a sweep', () => {
  it('survives: the reference engine, killed at every point of a full backup', async () => {
    const planned = await plan(taskOf('W01-full'), ['kill', 'power-cut']);
    const isPowerCutOfTemporary = (id: string): boolean => id.includes('power-cut') && id.includes(':tmp');
    const cells = planned.cells.filter(({ id }) => !isPowerCutOfTemporary(id));
    const result = await play({ ...planned, cells });
    expect(result.cells.length).toBeGreaterThan(50);
    expect(result.cells.filter(({ outcome }) => outcome !== 'survived').map(described)).toEqual([]);
  });

  it('leaves out what is the same run as another, and counts it', async () => {
    const faults = ['kill', 'lose-request', 'lose-reply', 'restart', 'storage-fails'];
    const task = taskOf('W01-full');
    const every = (await planSweep(simulator, task, {}, { faults, isExhaustive: true })).cells;
    const planned = await plan(task, faults);
    const groups = Map.groupBy(every, (cell) => storyOf(cell, { ...GROUND }) ?? cell.id);
    expect(groups.size).toBe(planned.cells.length);
    expect(planned.leftOut).toBe(every.length - groups.size);
    const alike = [...groups.values()].filter(({ length }) => length > 1).filter((_, at) => at % 9 === 0);
    expect(alike.length).toBeGreaterThan(4);
    for (const cells of alike) {
      const [first, ...others] = cells;
      if (first === undefined) continue;
      const fate = await fateOf(task, first);
      for (const other of others) expect(await fateOf(task, other), other.id).toEqual(fate);
    }
  });

  it('does not play from there on what can not come twice', async () => {
    const planned = await plan(taskOf('W01-full'), ['task-fails', 'task-hangs']);
    const result = await play(planned);
    expect(result.cells.length).toBeLessThan(planned.cells.length);
    expect(result.leftOut).toBe(planned.cells.length - result.cells.length);
    const whole = await play({ ...planned, isExhaustive: true });
    expect(whole.cells).toHaveLength(planned.cells.length);
    const played = new Set(result.cells.map(({ cell }) => cell.id));
    const journals = new Map(whole.cells.map(({ cell, journalHash }) => [cell.id, journalHash]));
    for (const { cell, journalHash } of whole.cells)
      if (!played.has(cell.id)) expect(journalHash).toBe(journals.get(cell.id.replace(/sticky$/, 'once')));
  });

  it('survives: lost requests and answers of HotAdd, and a repository that fails', async () => {
    const planned = await plan(taskOf('W04-hotadd-full', 'hotadd'), ['storage-fails', 'lose-request']);
    const cells = planned.cells.filter(({ persistence }, at) => persistence === 'once' && at % 3 === 0);
    const result = await play({ ...planned, cells });
    expect(result.cells.filter(({ outcome }) => outcome !== 'survived').map(described)).toEqual([]);
  });

  it('finds out a base that moves before the commit, without a scenario written for it', async () => {
    const task = taskOf('W02-incremental', 'nbd', 'base-moves-before-commit');
    const planned = await plan(task, ['storage-fails']);
    const cells = planned.cells.filter(({ id }) => id.startsWith('storage.rename:points'));
    const sound = await play({ ...planned, cells, task: taskOf('W02-incremental') });
    expect(new Set(Object.values(outcomes(sound)))).toEqual(new Set(['survived ']));
    const result = await play({ ...planned, cells });
    const failed = result.cells.filter(({ outcome }) => outcome === 'violation');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]?.reason).toContain('ide0 as the guest had it');
  });

  it('calls an engine that fails without an attack a violation of its own', async () => {
    const result = await play(await plan(taskOf('W01-full', 'nbd', 'leaves-its-snapshot')));
    expect(result.cells.map(({ cell, outcome }) => [cell.id, outcome])).toEqual([['clean', 'violation']]);
    expect(result.cells[0]?.reason).toContain('without an attack: leak oracle');
  });

  it('gives the same results in any number of lanes, in the order of the plan', async () => {
    const planned = await plan(taskOf('W01-full'), ['lose-reply']);
    await using other = await createSimulator();
    const lanes = [createSweepLane(simulator, seamsOf), createSweepLane(other, seamsOf)];
    const [one, two] = [await play(planned), await play(planned, lanes)];
    expect(two).toEqual(one);
    expect(two.cells.map(({ cell }) => cell.id)).toEqual(planned.cells.map(({ id }) => id));
  });

  it('goes on where it was cut short', async () => {
    const planned = await plan(taskOf('W01-full'), ['truncated-reply']);
    const whole = await play(planned);
    const known = new Map(whole.cells.slice(0, 10).map((result) => [result.cell.id, result]));
    const played: CellResult[] = [];
    const resumed = await sweep({
      plan: planned,
      lanes: [createSweepLane(simulator, seamsOf)],
      stopwatch: () => 0,
      known,
      onResult: (result) => played.push(result),
    });
    expect(resumed).toEqual(whole);
    expect(played).toHaveLength(whole.cells.length - 10);
  });

  it('writes a cell as a file that repeats it byte for byte', async () => {
    const task = taskOf('W01-full');
    const planned = await plan(task, ['kill']);
    const { cells } = await play({ ...planned, cells: planned.cells.slice(20, 21) });
    const [cell] = cells;
    if (cell === undefined) throw new Error('nothing was played');
    const { name, text } = failureFile(task, cell);
    const record = await runOnce({ ...task, scenario: parseScenario(text, name), simulator, seams: {} });
    expect(record.journalHash).toBe(cell.journalHash);
  });
});

function described({ cell, outcome, reason }: CellResult): string {
  return `${outcome} ${cell.id}: ${reason}`;
}

describe('wrong bytes that look right', () => {
  it('are listed as undetectable, with the option that detects them', async () => {
    const result = await play(await plan(taskOf('W01-full'), ['corrupt-payload']));
    const once = result.cells.filter(({ cell }) => cell.persistence === 'once');
    expect(once.map(({ outcome, detectedBy }) => [outcome, detectedBy])).toEqual(
      once.map(() => ['undetectable', 'verify: true']),
    );
    expect(once.length).toBeGreaterThan(0);
  });

  it('are a violation where that option does not detect them', async () => {
    const task = taskOf('W01-full');
    const planned = await plan(task, ['corrupt-payload']);
    const blind: Seams = { options: (options) => ({ ...options, verify: false }) };
    const lane = createSweepLane(simulator, () => blind);
    const cells = planned.cells.slice(0, 1);
    const result = await play({ ...planned, cells, task: { ...task, mutant: 'blind' } }, [lane]);
    expect(result.cells.map(({ outcome, reason }) => [outcome, reason.slice(0, 18)])).toEqual([
      ['violation', 'with verify: true:'],
    ]);
  });

  it('are found out by an engine that verifies, and no point that it warns of is restored', async () => {
    const result = await play(await plan(taskOf('W08-verified'), ['corrupt-payload']));
    const once = result.cells.filter(({ cell }) => cell.persistence === 'once');
    expect(once.map(({ outcome, reason }) => [outcome, reason])).toEqual(once.map(() => ['survived', '']));
    expect(once.length).toBeGreaterThan(0);
  });

  it('are a violation where the engine verifies and says that all is well', async () => {
    const task = taskOf('W08-verified');
    const planned = await plan(task, ['corrupt-payload']);
    const blind: Seams = { options: (options) => ({ ...options, verify: false }) };
    const lane = createSweepLane(simulator, () => blind);
    const result = await play({ ...planned, task: { ...task, mutant: 'blind' } }, [lane]);
    const [first] = result.cells;
    expect([first?.cell.persistence, first?.outcome]).toEqual(['once', 'violation']);
  });
});

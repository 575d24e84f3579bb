import { describe, expect, it } from 'vitest';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { type RunRecord, runOnce } from '../../harness/runner/run-once.ts';
import type { CreateEngine, Seams } from '../../harness/runner/seams.ts';
import { JobFailed } from '../../src/engine/job-failed.ts';
import type { Engine } from '../../src/engine/engine-api.ts';
import { createFileSimulator, STORY_HEAD } from './story.ts';

const BACKUP = 'steps: [{ backup: {} }]';
const LOST_ONCE = 'attack: [{ fault: { id: f, on: servers.list, kind: lose-reply } }]';
const MUST_SUCCEED = 'expect: { jobs: succeed }';
const KILLED_IN_MID_READ = 'attack: [{ kill: { when: { dataBytes: 64KiB } } }]';

const simulator = await createFileSimulator();

function play(attack: string, steps = BACKUP, seams: Seams = {}, head = STORY_HEAD): Promise<RunRecord> {
  const scenario = parseScenario(`${head}${attack}\n${steps}\n`, 'test.yaml');
  return runOnce({ simulator, scenario, transport: 'nbd', seed: '1', seams });
}

function mutant(id: string): Seams {
  const found = MUTANTS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no mutant is called ${id}`);
  return found.seams();
}

/** An engine with other jobs than the sound one. */
function changed(change: (engine: Engine) => Partial<Engine>): Seams {
  return {
    createEngine:
      (inner): CreateEngine =>
      (environment, options) => {
        const engine = inner(environment, options);
        return { ...engine, ...change(engine) };
      },
  };
}

function pointsMade({ journal }: RunRecord): number {
  return journal.filter((entry) => entry.type === 'rest.request' && entry.operation === 'snapshots.create')
    .length;
}

describe('a story under attack', () => {
  it('begins a killed job again in a new process, and backs up once more when all is over', async () => {
    const record = await play(KILLED_IN_MID_READ);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    expect(pointsMade(record)).toBe(3);
    expect(record.faults).toEqual([{ id: 'attack-0', kind: 'kill', fired: 1, mayMiss: false }]);
  });

  it('lets a job fail, and expects success once the faults have ended', async () => {
    const attack = 'attack: [{ fault: { id: f, on: snapshots.create, kind: error, status: 500, times: 0 } }]';
    const record = await play(attack);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    expect(record.comparedBytes).toBe(131_072);
    expect(record.faults[0]).toMatchObject({ id: 'f', mayMiss: false });
    expect(record.faults[0]?.fired).toBeGreaterThan(1);
  });

  it('does not judge what its steps expect', async () => {
    const steps = `steps:
  - backup: { expect: { kind: incremental, warnings: [nothing like this] } }
  - check: { points: 17 }
  - restore: { expect: { result: failure } }
expect: { points: 12 }`;
    const record = await play(KILLED_IN_MID_READ, steps);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
  });

  it('goes on without what an attack has kept from being made', async () => {
    const attack = 'attack: [{ fault: { id: f, on: snapshots.create, kind: error, status: 500, times: 0 } }]';
    const steps = 'steps: [{ backup: { as: base } }, { restore: { point: base } }, { restore: {} }]';
    const record = await play(attack, steps);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
  });

  it('repeats a restore that the attack kept from succeeding', async () => {
    const attack = `attack:
  - fault: { id: f, on: servers.create-from-config, kind: error, status: 500, times: 0 }`;
    const record = await play(attack, 'steps: [{ backup: {} }, { restore: { newName: copy } }]');
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    // Two points and a restored server.
    expect(record.comparedBytes).toBeGreaterThanOrEqual(3 * 131_072);
  });

  it('judges a point that is there although its job failed after the commit', async () => {
    const committed: string[] = [];
    const failing = changed((engine) => ({
      backup: async (job) => {
        const { pointId } = await engine.backup(job);
        if (committed.push(pointId) === 1) throw new JobFailed('release', new Error('too late'));
        return engine.backup(job);
      },
    }));
    const attack = 'attack: [{ fault: { id: f, on: hosts.list, kind: lose-reply } }]';
    const record = await play(attack, BACKUP, failing);
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    expect(record.comparedBytes).toBeGreaterThanOrEqual(2 * 131_072);
  });

  it('in which jobs must succeed forgives one that fails when the attack is over, since it is tried again', async () => {
    let backups = 0;
    const failing = changed((engine) => ({
      backup: (job) =>
        ++backups === 2 ? Promise.reject(new JobFailed('lock', new Error('not now'))) : engine.backup(job),
    }));
    const record = await play(`${LOST_ONCE}\n${MUST_SUCCEED}`, BACKUP, failing);
    expect([record.outcome, record.reason, backups]).toEqual(['passed', '', 3]);
  });

  it('is inconclusive when a part of the attack never struck', async () => {
    const record = await play('attack: [{ kill: { when: { dataBytes: 1GiB } } }]');
    expect([record.outcome, record.reason]).toEqual(['inconclusive', 'fault attack-0 (kill) never fired']);
    const jump = await play('attack: [{ clockJump: { when: { checkpoint: nowhere }, by: 1h } }]');
    expect(jump.reason).toBe('fault attack-0 (clock-jump) never fired');
  });

  it('sets the clock of the engine’s machine, not the world’s', async () => {
    const signed: number[] = [];
    const seams: Seams = {
      createEngine: (inner) => (environment, options) => {
        signed.push(environment.clock.now());
        return inner(
          {
            ...environment,
            onProgress: (event) => {
              environment.onProgress?.(event);
              signed.push(environment.clock.now());
            },
          },
          options,
        );
      },
    };
    const record = await play(
      'attack: [{ clockJump: { when: { checkpoint: lock }, by: -1h } }]',
      BACKUP,
      seams,
    );
    expect([record.outcome, record.reason]).toEqual(['passed', '']);
    const jumps = signed.map((now, at) => now - (signed[at - 1] ?? now));
    expect(Math.min(...jumps)).toBeLessThanOrEqual(-3_590_000);
    expect(record.virtualMs).toBeLessThan(3_600_000);
  });

  it('gives the same journal for the same seed, and another one than without the attack', async () => {
    const [first, second, clean] = [
      await play(KILLED_IN_MID_READ),
      await play(KILLED_IN_MID_READ),
      await play('expect: { points: 1 }'),
    ];
    expect(first.journalHash).toBe(second.journalHash);
    expect(first.journalHash).not.toBe(clean.journalHash);
    expect(clean.outcome).toBe('passed');
  });
});

describe('what a story under attack does not forgive', () => {
  it('an error that is none of the engine’s own', async () => {
    const broken = changed((engine) => ({
      backup: (job) =>
        engine.backup(job).catch((error: unknown) => {
          throw new TypeError('slipped through', { cause: error });
        }),
    }));
    const attack = 'attack: [{ fault: { id: f, on: snapshots.create, kind: error, status: 500, times: 0 } }]';
    const record = await play(attack, BACKUP, broken);
    expect(record.findings[0]).toMatchObject({
      where: 'steps.0 backup',
      expected: 'backup succeeds or fails with JobFailed',
    });
  });

  it('a job that fails where it must get over the attack', async () => {
    let hasFailed = false;
    const once = changed((engine) => ({
      backup: (job) => {
        if (hasFailed) return engine.backup(job);
        hasFailed = true;
        return Promise.reject(new JobFailed('snapshot', new Error('an answer was lost')));
      },
    }));
    const mild = await play(LOST_ONCE, BACKUP, once);
    expect(mild.findings).toEqual([]);
    hasFailed = false;
    const strict = await play(`${LOST_ONCE}\n${MUST_SUCCEED}`, BACKUP, once);
    expect(strict.findings).toMatchObject([
      { where: 'jobs under attack', actual: expect.stringMatching(/^backup fails: .*an answer was lost/) },
    ]);
  });

  it('a point that is wrong, though the job that made it was killed', async () => {
    const head = STORY_HEAD.replace('128KiB', '128KiB+512');
    const attack = 'attack: [{ kill: { when: { storage: sync, path: points } } }]';
    expect((await play(attack, BACKUP, {}, head)).outcome).toBe('passed');
    const record = await play(attack, BACKUP, mutant('cuts-the-last-block'), head);
    expect(record.findings[0]?.expected).toContain('ide0 as the guest had it');
  });

  it('a job that never ends again', async () => {
    let processes = 0;
    const broken = changed((engine) => {
      const isFirst = ++processes === 1;
      return isFirst ? {} : { backup: () => new Promise(() => undefined), cleanup: () => engine.cleanup() };
    });
    const record = await play(KILLED_IN_MID_READ, BACKUP, broken);
    expect(record.findings[0]).toMatchObject({ where: 'steps.0 backup', expected: 'an end' });
  });

  it('backups that go on failing when the attack is over', async () => {
    let hasFailed = false;
    const broken = changed((engine) => ({
      backup: (job) => {
        if (hasFailed) return Promise.reject(new JobFailed('snapshot', new Error('still offended')));
        return engine.backup(job).catch((error: unknown) => {
          hasFailed = true;
          throw error;
        });
      },
    }));
    const attack = 'attack: [{ fault: { id: f, on: snapshots.create, kind: error, status: 500, times: 0 } }]';
    const record = await play(attack, BACKUP, broken);
    expect(record.findings[0]).toMatchObject({
      where: 'after the attack',
      expected: 'backup of vm1 succeeds within a day after the attack',
    });
    expect(record.findings[0]?.actual).toContain('still offended');
    expect(record.virtualMs).toBeLessThan(2 * 86_400_000);
  });

  it('a clean-up that fails for ever', async () => {
    const broken = changed(() => ({
      cleanup: () => Promise.reject(new JobFailed('leftovers', new Error('no'))),
    }));
    const record = await play(KILLED_IN_MID_READ, BACKUP, broken);
    expect(record.findings[0]?.expected).toBe('cleanup succeeds within a day after the attack');
  });

  it('a restore that fails for ever', async () => {
    const broken = changed(() => ({
      restore: () => Promise.reject(new JobFailed('transfer', new Error('no'))),
    }));
    const attack = 'attack: [{ fault: { id: f, on: hosts.list, kind: lose-reply } }]';
    const record = await play(attack, 'steps: [{ backup: {} }, { restore: {} }]', broken);
    expect(record.findings[0]?.expected).toBe('the restore succeeds within a day after the attack');
  });

  it('a half restored server that nobody removes', async () => {
    const attack = 'attack: [{ kill: { when: { event: { type: nbd.request, command: WRITE } } } }]';
    const steps = 'steps: [{ backup: {} }, { restore: {} }]';
    const record = await play(attack, steps, mutant('forgets-what-it-made'));
    const leaks = record.findings.filter(({ where }) => where === 'leak oracle');
    expect(leaks.map(({ actual }) => actual).join()).toContain('server vm1-restored was left');
  });

  it('a base that moved although nothing was committed', async () => {
    const attack = 'attack: [{ storageFault: { id: s, operation: rename, path: points, after: 1 } }]';
    const steps = 'steps: [{ backup: {} }, { write: { at: 0, length: 4KiB } }, { backup: {} }]';
    const sound = await play(attack, steps);
    expect([sound.outcome, sound.reason]).toEqual(['passed', '']);
    const record = await play(attack, steps, mutant('base-moves-before-commit'));
    expect(record.findings[0]?.expected).toContain('ide0 as the guest had it');
  });

  it('a rule that is broken with the right bytes, or by repeating calls in a storm', async () => {
    const marked = await play(LOST_ONCE, BACKUP, mutant('writes-to-what-it-backs-up'));
    expect(marked.findings[0]).toMatchObject({ where: 'rule NBD-8', expected: 'reads only' });
    const away = 'attack: [{ fault: { id: f, on: snapshots.create, kind: unavailable, for: 5s } }]';
    expect((await play(away)).outcome).toBe('passed');
    const storm = await play(away, BACKUP, mutant('repeats-at-once'));
    expect(storm.findings[0]?.where).toBe('rule LIMIT-2');
  });
});

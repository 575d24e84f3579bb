/** What is judged when the steps are over: leaks, locks, all points once more, faults that had to fire. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { findLeaks, type WorldState } from '../oracle/leak-oracle.ts';
import { findLockViolations } from '../oracle/lock-oracle.ts';
import { checkBounds } from './expectations.ts';
import type { FaultCount, Finding } from './outcome.ts';
import type { Scenario } from './scenario-schema.ts';
import { judgeKeptRules } from './judge-kept-rules.ts';
import { judgeAllPoints } from './steps/job-steps.ts';
import { StoryFailed } from './outcome.ts';
import type { Story } from './story.ts';

const ORDERED = {
  deleteSnapshot: ['snapshots.delete', 'snapshots.batch-delete'],
  deleteResource: ['backup-resources.delete'],
  hotRemove: ['hot-add.remove', 'hci.hot-add.remove'],
};

export function readWorldState({ world }: Story): WorldState {
  const servers = world.servers.list();
  const holds = new Set(['pending', 'running']);
  const ended = new Set(['finish', 'failure', 'canceled']);
  return {
    servers: servers.map(({ id, name, status }) => ({ id, name, status })),
    snapshots: servers.flatMap((server) =>
      world.snapshots.list(server.id).map(({ id, name }) => ({ id, name, server: server.id })),
    ),
    resources: world.backupResources
      .list()
      .filter(({ status }) => holds.has(status))
      .map(({ id, serverId, status }) => ({ id, server: serverId, status })),
    tasks: world.tasks
      .list()
      .filter(({ status }) => !ended.has(status))
      .map(({ id, action }) => ({ id, action })),
    hotAddedDisks: world.hotAdd
      .list()
      .map(({ id, proxyId, slot }) => ({ id: `${proxyId}/${id}`, disk: id, proxy: proxyId, slot })),
  };
}

/** `hasFailed`: a step has failed already; then only what does not depend on the steps is judged. */
export async function judgeEnd(story: Story, hasFailed: boolean): Promise<readonly Finding[]> {
  // Steps that ran beside the one that failed are still at work: what they hold is no leak.
  if (hasFailed && story.under.size > 0) return [];
  const findings = [...judgeLeaks(story), ...judgeLocks(story)];
  if (hasFailed) return findings;
  const points = await judgePoints(story);
  // Under attack a story may come to another end than the one it was written for.
  if (story.survival !== undefined) {
    const found = [...findings, ...points, ...judgeJobs(story)];
    // What is wrong already breaks rules too, and says more of itself.
    return found.length > 0 ? found : judgeKeptRules(story);
  }
  return [...findings, ...points, ...judgeExpectations(story)];
}

export function judgeLeaks(story: Story): Finding[] {
  const leaks = findLeaks({
    before: story.before,
    after: readWorldState(story),
    journal: story.world.journal.entries,
    operator: story.operator,
    allowed: story.scenario.expect?.leftovers ?? [],
  });
  return leaks.map(({ kind, id, what, evidence }) => ({
    where: 'leak oracle',
    expected: 'a world without leftovers and with everything foreign in place',
    actual: `${what} (${kind} ${id})`,
    evidence: evidence.map((n) => `journal ${n}`),
  }));
}

function judgeLocks(story: Story): Finding[] {
  const actors = new Set(story.world.credentials.flatMap((c) => [c.accessKey, c.username]));
  return findLockViolations(story.world.journal.entries, ORDERED, actors).map(({ rule, what, at }) => ({
    where: 'lock oracle',
    expected: `no ${rule}`,
    actual: what,
    evidence: [`journal ${at}`],
  }));
}

async function judgePoints(story: Story): Promise<Finding[]> {
  try {
    await judgeAllPoints(story);
    return [];
  } catch (error) {
    if (error instanceof StoryFailed) return [{ where: 'byte oracle', ...error.finding }];
    throw error;
  }
}

/** What fails once the attack is over is tried again, and judged there. */
function judgeJobs({ survival, scenario, world }: Story): Finding[] {
  if (scenario.expect?.jobs !== 'succeed') return [];
  const overAt = survival?.over?.n ?? Number.POSITIVE_INFINITY;
  return world.journal.entries.flatMap((entry) =>
    entry.type !== 'job' || entry.phase !== 'fails' || entry.n >= overAt
      ? []
      : [
          {
            where: 'jobs under attack',
            expected: 'every job succeeds, since this can be borne',
            actual: `${entry.operation} fails: ${entry.error ?? ''}`,
            evidence: [`journal ${entry.n}`],
          },
        ],
  );
}

function judgeExpectations(story: Story): Finding[] {
  // Calls and points are counted as the reference engine makes them; rules judge those of others.
  if (story.driven !== undefined) return [];
  const { expect } = story.scenario;
  const points = checkBounds(
    'points',
    expect?.points === undefined ? undefined : { exactly: expect.points },
    story.points.size,
  );
  const journal = (expect?.journal ?? []).flatMap((item) =>
    checkBounds(
      `journal entries with ${JSON.stringify(item.match)}`,
      item.count ?? { atLeast: 1 },
      countMatches(story.world.journal.entries, item.match),
    ),
  );
  return [...points, ...journal].map((mismatch) => ({ where: 'expect', ...mismatch, evidence: [] }));
}

type Match = NonNullable<NonNullable<Scenario['expect']>['journal']>[number]['match'];

function countMatches(journal: readonly JournalEntry[], match: Match): number {
  const wanted = Object.entries(match);
  return journal.filter((entry) => {
    const fields: Readonly<Record<string, unknown>> = { ...entry };
    return wanted.every(([field, value]) => fields[field] === value);
  }).length;
}

export function countFaults(story: Story): readonly FaultCount[] {
  const planned = story.hosted.faults
    .list()
    .map(({ id, spec, fired }) => ({ id, kind: spec.kind, fired, mayMiss: story.mayMiss.has(id) }));
  const stages = Object.values(story.installations).map(({ storageStage }) => storageStage);
  const storage = stages
    .flatMap(({ faults }) => faults)
    .map(({ id, operation, fired }) => ({
      id,
      kind: `storage ${operation}`,
      fired,
      mayMiss: false,
    }));
  return [...story.clearedFaults, ...planned, ...storage];
}

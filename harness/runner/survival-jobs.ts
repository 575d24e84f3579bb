/**
 * Jobs of an engine under attack. A job may fail with `JobFailed`; killed, it is begun again in a new process. What it
 * leaves in the repository is judged whichever way it ended: a point that is there must be right.
 */
import type { ServerId } from '../../src/kernel/ids.ts';
import type { Engine } from '../../src/engine/engine-api.ts';
import { describeChain } from './error-chain.ts';
import { judgeNewPoint, judgeServer } from './judge-bytes.ts';
import { StoryFailed } from './outcome.ts';
import type { EngineName, StepBodies } from './scenario-schema.ts';
import { lastSnapshotSince } from './snapshot-instant.ts';
import { backupFacts, restoreFacts, restoreWords, type Settled, settle, tellEnd } from './job-facts.ts';
import { markUnknown, recordNamed, takeOver, unknownPoints } from './steps/job-steps.ts';
import { unprotectOrder } from './steps/unprotect-step.ts';
import { type JobFacts, tellJob } from './told-job.ts';
import type { PointRecord, Story } from './story.ts';
import { armTrigger } from './triggers.ts';

type End<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed' | 'killed'; readonly why: string };

/** A job, and what the journal is told of it. */
interface Work<T> {
  readonly operation: 'backup' | 'restore' | 'cleanup' | 'unprotect';
  readonly words?: JobFacts;
  readonly work: (engine: Engine) => Promise<T>;
  readonly facts?: (value: T) => JobFacts;
}

/** @returns why it did not succeed; empty when it did */
export async function surviveBackup(story: Story, body: StepBodies['backup']): Promise<string> {
  const { engine = 'first' } = body;
  const { id: serverId, name: server } = story.server(body.server);
  const transport = body.transport ?? story.transport;
  const job = { server, transport, ...(body.full === undefined ? {} : { full: body.full }) };
  const end = await untilNotKilled(story, engine, {
    operation: 'backup',
    words: { transport, server: serverId },
    work: (of) => of.backup(job),
    facts: backupFacts,
  });
  if (end.kind === 'done') await takeIn(story, engine, end.value.pointId, server, end.value.snapshotId);
  else await disownPoints(story, engine, end.why);
  await adoptPoints(story, engine);
  const id = end.kind === 'done' ? end.value.pointId : undefined;
  if (id === undefined) return end.kind === 'done' ? '' : end.why;
  story.lastPoint.set(engine, id);
  if (body.as !== undefined) story.pointNames.set(body.as, id);
  return '';
}

/** @returns why it did not succeed; empty when it did */
export async function surviveRestore(story: Story, body: StepBodies['restore']): Promise<string> {
  const record = recordNamed(story, body);
  if (record === undefined) return 'there is no point to restore';
  const { to = 'new', differential, newName, powerOn } = body;
  const job = {
    pointId: record.id,
    to,
    transport: body.transport ?? story.transport,
    ...(differential === undefined ? {} : { differential }),
    ...(newName === undefined ? {} : { newName }),
    ...(powerOn === undefined ? {} : { powerOn }),
  };
  const end = await untilNotKilled(story, record.engine, {
    operation: 'restore',
    words: restoreWords(story, job),
    work: (of) => of.restore(job),
    facts: restoreFacts,
  });
  if (to !== 'new') markUnknown(story, to);
  if (end.kind !== 'done') {
    story.survival?.owed.push({ ...body, point: record.id });
    return end.why;
  }
  await acceptServer(story, end.value.server.id as ServerId, record);
  return '';
}

/** A server that holds what the point holds is a restored one, whoever says so. */
export async function acceptServer(story: Story, id: ServerId, record: PointRecord): Promise<void> {
  await judgeServer(story, id, record);
  story.operator.made.add(id);
  takeOver(story, id, record);
}

/** @returns why it did not succeed; empty when it did */
export async function surviveCleanup(story: Story, body: StepBodies['cleanup']): Promise<string> {
  const end = await untilNotKilled(story, body.engine ?? 'first', {
    operation: 'cleanup',
    work: (of) => of.cleanup(),
  });
  return end.kind === 'done' ? '' : end.why;
}

/** @returns why it did not succeed; empty when it did */
export async function surviveUnprotect(story: Story, body: StepBodies['unprotect']): Promise<string> {
  const { job, words } = unprotectOrder(story, body);
  const end = await untilNotKilled(story, body.engine ?? 'first', {
    operation: 'unprotect',
    words,
    work: (of) => of.unprotect(job),
  });
  return end.kind === 'done' ? '' : end.why;
}

/** A kill of the story's own: the job is not begun again. */
export async function surviveKill(story: Story, body: StepBodies['kill']): Promise<void> {
  const { engine = 'first', during } = body;
  const installation = story.installation(engine);
  const kill = (): void => installation.kill(body.powerCut === true ? story.rng : undefined);
  const disarm = armTrigger(story, body.when, kill, { loses: true, engine });
  const { death } = installation;
  const { backup, restore, cleanup } = during;
  const job = async (): Promise<unknown> => {
    if (backup !== undefined) return surviveBackup(story, { ...backup, engine });
    if (restore !== undefined) return surviveRestore(story, { ...restore, engine });
    return surviveCleanup(story, { ...cleanup, engine });
  };
  await Promise.race([death, job()]);
  disarm();
}

/**
 * The job in one process after the other until one of them lives to its end. Bounded, since every kill of an attack
 * comes once.
 */
async function untilNotKilled<T>(
  story: Story,
  name: EngineName,
  { operation, words, work, facts }: Work<T>,
): Promise<End<T>> {
  story.judgedSince.clear();
  story.survival?.engines.add(name);
  const installation = story.installation(name);
  for (;;) {
    const { death } = installation;
    const told = tellJob(story, name, operation, words);
    const end = await Promise.race([
      death.then((): End<T> => ({ kind: 'killed', why: 'killed' })),
      settle(work(installation.process().engine)).then((settled) => {
        tellEnd(told, settled, facts);
        return judgeEnd(operation, settled);
      }),
    ]);
    if (end.kind !== 'killed') return end;
    await adoptPoints(story, name);
  }
}

function judgeEnd<T>(what: string, settled: Settled<T>): End<T> {
  if (settled.isDone) return { kind: 'done', value: settled.value };
  if (settled.error instanceof StoryFailed) throw settled.error;
  const why = describeChain(settled.error);
  if (settled.error instanceof Error && settled.error.name === 'JobFailed') return { kind: 'failed', why };
  throw new StoryFailed(`${what} succeeds or fails with JobFailed`, why);
}

/** A job that fails because it found its own point wrong says which one that is. */
async function disownPoints(story: Story, engine: EngineName, why: string): Promise<void> {
  for (const { id } of await unknownPoints(story, engine))
    if (why.includes(`restore point ${id} is wrong`)) story.disowned.add(id);
}

/**
 * Points that no result told of: of a job that was killed, or failed, after its commit, or of one that runs beside it
 * and has not told yet. Each stands on the newest snapshot of its server.
 */
async function adoptPoints(story: Story, engine: EngineName): Promise<void> {
  const { journal } = story.world;
  for (const { id, serverId, serverName } of await unknownPoints(story, engine)) {
    const snapshotId = lastSnapshotSince(journal.entries, serverId, 0, story.operator.made);
    if (snapshotId === undefined) throw new StoryFailed('no point without a snapshot', `point ${id}`);
    await takeIn(story, engine, id, serverName, snapshotId);
    story.lastPoint.set(engine, id);
  }
}

async function takeIn(
  story: Story,
  engine: EngineName,
  id: string,
  serverName: string,
  snapshotId: string,
): Promise<void> {
  if (!story.points.has(id)) await judgeNewPoint(story, { id, engine }, serverName, snapshotId);
}

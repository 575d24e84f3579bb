/** Jobs of the engine, each judged at once: by its result, by bytes, by what it left in the repository. */
import type { ServerId } from '../../../src/kernel/ids.ts';
import { describeChain } from '../error-chain.ts';
import { asJudged, hasEvaded } from '../driven/driven-expectations.ts';
import { checkBackup, checkError, checkRestore, checkWarnings, type Mismatch } from '../expectations.ts';
import type { KnownPoint } from '../installed.ts';
import { judgeEqualPoints, judgeNewPoint, judgePoint, judgeServer } from '../judge-bytes.ts';
import { NothingToActOn, StoryFailed } from '../outcome.ts';
import { ENGINE_NAMES, type EngineName, type ErrorNode, type StepBodies } from '../scenario-schema.ts';
import { lastSnapshotSince } from '../snapshot-instant.ts';
import type { PointRecord, Story } from '../story.ts';
import { backupFacts, restoreFacts, restoreWords, settle, tellEnd } from '../job-facts.ts';
import { type JobFacts, tellJob, type ToldJob } from '../told-job.ts';
import { armTrigger } from '../triggers.ts';
import { stepStart } from './operator-steps.ts';

export async function stepBackup(story: Story, body: StepBodies['backup']): Promise<void> {
  story.judgedSince.clear();
  const server = story.server(body.server);
  const job = {
    server: server.name,
    transport: body.transport ?? story.transport,
    ...(body.full === undefined ? {} : { full: body.full }),
  };
  const { engine = 'first' } = body;
  const expect = asJudged(story, body.expect);
  const told = tellJob(story, engine, 'backup', { transport: job.transport, server: server.id });
  const settled = await settle(story.installation(engine).process().engine.backup(job));
  tellEnd(told, settled, backupFacts);
  if (!settled.isDone) {
    expectFailure('backup', expect.result, expect.error, settled.error);
    await expectNoNewPoint(story, engine);
    return;
  }
  expectSuccess(story, 'backup', expect.result, settled.value);
  const { pointId: id, snapshotId } = settled.value;
  await judgeNewPoint(story, { id, engine }, server.name, snapshotId);
  story.lastPoint.set(engine, id);
  if (body.as !== undefined) story.pointNames.set(body.as, id);
  raise(checkBackup(expect, settled.value));
}

export async function stepRestore(story: Story, body: StepBodies['restore']): Promise<void> {
  const record = pointNamed(story, body);
  const to = body.to ?? 'new';
  const serversBefore = new Set(story.world.servers.list().map(({ id }) => id));
  const job = {
    pointId: record.id,
    to,
    transport: body.transport ?? story.transport,
    ...(body.differential === undefined ? {} : { differential: body.differential }),
    ...(body.newName === undefined ? {} : { newName: body.newName }),
    ...(body.powerOn === undefined ? {} : { powerOn: body.powerOn }),
  };
  const told = tellJob(story, record.engine, 'restore', restoreWords(story, job));
  const settled = await settle(story.installation(record.engine).process().engine.restore(job));
  tellEnd(told, settled, restoreFacts);
  noteRestored(story, serversBefore, to);
  const expect = asJudged(story, body.expect);
  if (!settled.isDone) {
    expectFailure('restore', expect.result, expect.error, settled.error);
    return;
  }
  expectSuccess(story, 'restore', expect.result, settled.value);
  await judgeServer(story, settled.value.server.id as ServerId, record);
  takeOver(story, settled.value.server.id, record);
  // The driver protocol does not ask for it, so the operator does it.
  if (story.driven !== undefined && body.powerOn === true)
    await stepStart(story, { server: settled.value.server.name });
  raise(checkRestore(expect, settled.value));
}

export async function stepCleanup(story: Story, body: StepBodies['cleanup']): Promise<void> {
  story.judgedSince.clear();
  const told = tellJob(story, body.engine ?? 'first', 'cleanup');
  const settled = await settle(story.installation(body.engine).process().engine.cleanup());
  tellEnd(told, settled);
  if (!settled.isDone) {
    if (settled.error instanceof StoryFailed || !story.installation(body.engine).isDriven)
      throw settled.error;
    throw new StoryFailed('cleanup succeeds', describeChain(settled.error));
  }
  const { removed, warnings } = settled.value;
  const expect = asJudged(story, body.expect);
  const kinds = removed.map(({ kind }) => kind).sort();
  const wanted = expect.removed && [...expect.removed].sort();
  if (wanted !== undefined && wanted.join() !== kinds.join()) {
    throw new StoryFailed(`removed: ${wanted.join(', ') || 'nothing'}`, kinds.join(', ') || 'nothing');
  }
  raise(checkWarnings(expect.warnings, warnings));
}

/** Starts a job and ends the engine's life in the midst of it. */
export async function stepKill(story: Story, body: StepBodies['kill']): Promise<void> {
  story.judgedSince.clear();
  const from = story.position;
  const serversBefore = new Set(story.world.servers.list().map(({ id }) => id));
  const killed = Promise.withResolvers<'killed'>();
  const { engine = 'first' } = body;
  const installation = story.installation(engine);
  const disarm = armTrigger(
    story,
    body.when,
    () => {
      installation.kill(body.powerCut === true ? story.rng : undefined);
      killed.resolve('killed');
    },
    { loses: true, engine },
  );
  const end = await Promise.race([killed.promise, settle(startJob(story, engine, body.during))]);
  disarm();
  if (end !== 'killed' && !end.isDone && end.error instanceof StoryFailed) throw end.error;
  if (end !== 'killed') story.doubts.push('the job was over before the engine could be killed');
  noteRestored(story, serversBefore, body.during.restore?.to);
  await adoptPoints(story, engine, from, body.during.backup?.server);
}

export async function stepVerify(story: Story, body: StepBodies['verify']): Promise<void> {
  const report = await story.installation(body.engine).repository().verify();
  const problems = report.points.flatMap((point) => point.problems.map((text) => `${point.id}: ${text}`));
  const { exactly = 0 } = body.problems ?? {};
  if (problems.length !== exactly) {
    throw new StoryFailed(`${exactly} problems in the repository`, String(problems.length), problems);
  }
}

export async function stepCompare(story: Story, { points }: StepBodies['compare']): Promise<void> {
  const [first, ...others] = points.map((point) => pointNamed(story, { point }));
  for (const other of others) if (first !== undefined) await judgeEqualPoints(story, first, other);
}

function startJob(
  story: Story,
  engineName: EngineName,
  during: StepBodies['kill']['during'],
): Promise<unknown> {
  const { engine } = story.installation(engineName).process();
  const { backup, restore } = during;
  if (backup !== undefined) {
    const server = story.server(backup.server);
    const transport = backup.transport ?? story.transport;
    const told = tellJob(story, engineName, 'backup', { transport, server: server.id });
    const full = backup.full === undefined ? {} : { full: backup.full };
    return following(told, engine.backup({ server: server.name, transport, ...full }), backupFacts);
  }
  if (restore !== undefined) {
    const { id } = pointNamed(story, { ...restore, engine: engineName });
    const transport = restore.transport ?? story.transport;
    const { to = 'new', differential = false } = restore;
    const job = { pointId: id, to, transport, differential };
    const told = tellJob(story, engineName, 'restore', restoreWords(story, job));
    return following(told, engine.restore(job), restoreFacts);
  }
  return following(tellJob(story, engineName, 'cleanup'), engine.cleanup());
}

async function following<T>(told: ToldJob, work: Promise<T>, facts?: (value: T) => JobFacts): Promise<T> {
  const settled = await settle(work);
  tellEnd(told, settled, facts);
  if (settled.isDone) return settled.value;
  throw settled.error;
}

/** A restore makes servers, replaces disks and may change power states; whose content is then known is another matter. */
function noteRestored(story: Story, before: ReadonlySet<string>, to: string | undefined): void {
  for (const server of story.world.servers.list()) {
    if (!before.has(server.id)) story.operator.made.add(server.id);
    if (server.name !== to) continue;
    story.operator.powered.add(server.id);
    markUnknown(story, server.name);
  }
}

/** After a restore over a server that did not come to its end. */
export function markUnknown(story: Story, name: string): void {
  for (const device of story.log.devices(name)) {
    story.log.replace(name, device, undefined, 'an unfinished restore', story.position);
  }
}

/** From here on the restored server holds what the point holds. */
export function takeOver(story: Story, serverId: string, record: PointRecord): void {
  const { name } = story.world.servers.get(serverId);
  for (const [device, image] of record.images) {
    if (image === undefined) continue;
    if (story.log.has(name, device))
      story.log.replace(name, device, image.bytes, 'the restore', story.position);
    else story.log.addDisk(name, device, image.bytes);
  }
}

/** The kill may have come just after the commit: then there is a point that no result told of. */
async function adoptPoints(
  story: Story,
  engine: EngineName,
  from: number,
  serverName: string | undefined,
): Promise<void> {
  const server = story.server(serverName);
  for (const { id } of await unknownPoints(story, engine)) {
    const { entries } = story.world.journal;
    const snapshotId = lastSnapshotSince(entries, server.id, from, story.operator.made);
    if (snapshotId === undefined) throw new StoryFailed('no point without a snapshot', `point ${id}`);
    await judgeNewPoint(story, { id, engine }, server.name, snapshotId);
    story.lastPoint.set(engine, id);
  }
}

async function expectNoNewPoint(story: Story, engine: EngineName): Promise<void> {
  const [point] = await unknownPoints(story, engine);
  if (point !== undefined) throw new StoryFailed('no point from a failed job', `point ${point.id}`);
}

export async function unknownPoints(story: Story, engine: EngineName): Promise<readonly KnownPoint[]> {
  const points = await story.installation(engine).repository().points();
  return points.filter(({ id }) => !story.points.has(id) && !story.disowned.has(id));
}

/** Compares once more what was compared before the last job: a later job may have damaged an earlier point. */
export async function judgeAllPoints(story: Story): Promise<void> {
  const kept = new Set<string>();
  for (const engine of ENGINE_NAMES) {
    await expectNoNewPoint(story, engine);
    const points = await story.installation(engine).repository().points();
    for (const { id } of points) kept.add(id);
  }
  for (const record of story.points.values()) {
    if (!kept.has(record.id)) throw new StoryFailed(`point ${record.id} is still there`, 'it is gone');
    if (!story.judgedSince.has(record.id)) await judgePoint(story, record);
  }
}

/** By its name; without one the newest point of the engine. */
function pointNamed(story: Story, words: { point?: string; engine?: EngineName }): PointRecord {
  const record = recordNamed(story, words);
  if (record === undefined)
    throw new NothingToActOn(`no step has made a point called ${words.point ?? '(any)'}`);
  return record;
}

export function recordNamed(
  story: Story,
  { point, engine = 'first' }: { point?: string; engine?: EngineName },
): PointRecord | undefined {
  const id = point === undefined ? story.lastPoint.get(engine) : story.pointNames.get(point);
  return story.points.get(id ?? point ?? '');
}

export function expectSuccess(
  story: Story,
  what: string,
  result: string | undefined,
  value: { readonly warnings: readonly string[] },
): void {
  if (result !== 'failure') return;
  if (hasEvaded(story)) return;
  throw new StoryFailed(`${what} fails`, 'it succeeded', value.warnings);
}

/** A failure must be the engine's own kind of error; anything else slipped through its hands. */
export function expectFailure(
  what: string,
  result: string | undefined,
  expect: ErrorNode | undefined,
  error: unknown,
): void {
  if (error instanceof StoryFailed) throw error;
  const text = describeChain(error);
  if (result !== 'failure' && result !== 'either') throw new StoryFailed(`${what} succeeds`, text);
  if (!(error instanceof Error) || error.name !== 'JobFailed') {
    throw new StoryFailed(`${what} fails with JobFailed`, text);
  }
  raise(checkError(expect, error));
}

export function raise(mismatches: readonly Mismatch[]): void {
  const [first, ...others] = mismatches;
  if (first === undefined) return;
  const more = others.map(({ expected, actual }) => `also expected ${expected}; got ${actual}`);
  throw new StoryFailed(first.expected, first.actual, more);
}

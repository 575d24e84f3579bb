/**
 * The scenarios of the profile `live`: the reference engines against a platform that is not ours, on servers that the
 * user has named, through the guard.
 *
 * What can be proven without a foot in the guest: that a point holds what its snapshot shows, read twice under one
 * lock; that an incremental does so too, read as a whole against the changes that the platform has named; that a
 * restored server, backed up again, holds what the point holds; that locks are kept; that nothing stays behind. What
 * the guest had written, nobody here knows, and the report says so.
 */
import { createEngine } from '../../src/engine/create-engine.ts';
import type {
  BackupResult,
  Engine,
  EngineEnvironment,
  EngineOptions,
  Transport,
} from '../../src/engine/engine-api.ts';
import { readRunNotes } from '../../src/engine/run-note.ts';
import type { Journal } from '../../src/kernel/journal.ts';
import { createScpClient } from '../../src/sdk/scp-client.ts';
import type { ScpClient, ServerItem } from '../../src/sdk/scp-client-api.ts';
import type { ScenarioResult } from '../runner/outcome.ts';
import { createCallRecorder } from './call-recorder.ts';
import { comparePoints } from './compare-points.ts';
import { createGuard, type Guard } from './guard.ts';
import { findLeftBehind } from './left-behind.ts';
import { createLook, createReadingClient, type LiveAccess } from './live-client.ts';
import { ended, holdLock } from './hold-lock.ts';
import { playOne, type Shown, unprovable } from './live-result.ts';
import { createLiveJobs, type LiveJobs } from './live-journal.ts';
import { type LiveSettings, RESTORED_NAME } from './live-settings.ts';
import { createRecordedGuests } from './record-guest.ts';
import { createRecordedNbd } from './record-nbd.ts';

export interface LiveRun {
  readonly access: LiveAccess;
  readonly settings: LiveSettings;
  readonly servers: readonly ServerItem[];
  /** Ids of proxy VMs, for HotAdd. */
  readonly proxies: readonly string[];
  readonly journal: Journal;
  readonly environment: Pick<EngineEnvironment, 'dialNbd' | 'connectProxy' | 'repository' | 'onProgress'>;
  readonly options: EngineOptions;
  readonly onResult: (result: ScenarioResult) => void;
  readonly signal: AbortSignal;
  /** Only removes what an earlier run of this tag, which was killed, has left. */
  readonly onlyCleanUp?: boolean;
}

interface Stage extends LiveRun {
  readonly guard: Guard;
  readonly reading: ScpClient;
  readonly changing: ScpClient;
  readonly engine: Engine;
  readonly jobs: LiveJobs;
}

/** Never throws for what the platform does; results say it. */
export async function runLive(run: LiveRun): Promise<readonly ScenarioResult[]> {
  const stage = setStage(run);
  await rememberEarlier(stage);
  const results: ScenarioResult[] = [];
  const play = async (
    id: string,
    title: string,
    engine: string,
    work: () => Promise<Shown>,
  ): Promise<boolean> => {
    const result = await playOne(
      { journal: run.journal, clock: run.access.clock },
      { id, title, engine },
      work,
    );
    results.push(result);
    run.onResult(result);
    return result.outcome === 'passed';
  };
  for (const server of run.onlyCleanUp === true ? [] : run.servers)
    for (const transport of run.settings.transports) await playServer(stage, server, transport, play);
  await play(
    'LIVE-9-leaves-nothing',
    'all that the run has made is gone again',
    run.settings.transports[0] ?? '',
    () => leaveNothing(stage),
  );
  if (run.onlyCleanUp !== true) results.push(unprovable(run.settings.transports[0] ?? ''));
  return results;
}

function setStage(run: LiveRun): Stage {
  const { access, settings, journal } = run;
  const { credentials } = access;
  const actor = credentials.kind === 'ec2' ? credentials.accessKey : credentials.username;
  const reading = createReadingClient(access);
  const guard = createGuard({
    transport: access.transport,
    recorder: createCallRecorder({ journal, actor }),
    look: createLook(reading),
    tag: settings.tag,
    servers: new Set(run.servers.map(({ id }) => id)),
    proxies: new Set(run.proxies),
  });
  const { connectProxy, ...environment } = run.environment;
  const engine = createEngine(
    {
      ...environment,
      ...(connectProxy === undefined
        ? {}
        : { connectProxy: createRecordedGuests(connectProxy, journal, () => guard.own.disks) }),
      clock: access.clock,
      ids: access.ids,
      credentials,
      scp: guard.transport,
      connectNbd: createRecordedNbd(journal),
    },
    {
      ...run.options,
      tag: settings.tag,
      verify: true,
      leaveCbtAlone: settings.leaveCbtAlone,
      lockTimeSeconds: settings.lockTimeSeconds,
      proxies: run.proxies,
    },
  );
  const changing = createScpClient({ ...access, transport: guard.transport });
  return { ...run, guard, reading, changing, engine, jobs: createLiveJobs(journal, actor) };
}

/** The notes of a run that was killed say what is its own; the tag alone would not, for locks and disks. */
async function rememberEarlier({ guard: { own }, environment, settings }: Stage): Promise<void> {
  for (const { record } of await readRunNotes(environment.repository, settings.tag)) {
    for (const id of record.resourceIds) own.resources.add(id);
    for (const id of record.hotAdded.flatMap(({ diskIds }) => diskIds)) own.disks.add(id);
    for (const { id } of record.startedProxies) own.started.add(id);
    if (record.newServer?.id !== undefined) own.servers.add(record.newServer.id);
  }
}

type Play = (id: string, title: string, engine: string, work: () => Promise<Shown>) => Promise<boolean>;

async function playServer(stage: Stage, server: ServerItem, transport: Transport, play: Play): Promise<void> {
  const { settings } = stage;
  const at = `${server.name}/${transport}`;
  let point: string | undefined;
  const backup = async (full: boolean): Promise<BackupResult> => {
    const result = await backUp(stage, server.id, transport, full);
    point = result.pointId;
    return result;
  };
  const isWhole = await play(
    `LIVE-1-full-backup/${at}`,
    `${server.name}: a full backup holds what its snapshot shows, read twice under one lock`,
    transport,
    async () => verified(await backup(true)),
  );
  if (!isWhole) return;
  await play(
    `LIVE-2-incremental/${at}`,
    `${server.name}: an incremental, put on the full, holds all that its snapshot shows`,
    transport,
    async () => {
      const result = await backup(false);
      return result.kind === 'incremental'
        ? verified(result)
        : { inconclusive: `it became a full backup: ${result.fullBecause}` };
    },
  );
  if (settings.restore)
    await play(
      `LIVE-3-restore-to-new/${at}`,
      `${server.name}: a restored server, backed up again, holds what the point holds`,
      transport,
      () => restoreAndCompare(stage, server, transport, point ?? ''),
    );
  if (settings.holdLock)
    await play(
      `LIVE-4-hold-a-lock/${at}`,
      `${server.name}: a lock of one minute lives three by its renewals, and goes when it is given back`,
      transport,
      () => holdLock({ ...stage, tag: settings.tag, clock: stage.access.clock }, server),
    );
}

/** The engine's option `verify` has read every byte again, and a difference would have failed the job. */
function verified({ disks }: BackupResult): Shown {
  return { comparedBytes: disks.length === 0 ? 0 : disks.reduce((sum, { readBytes }) => sum + readBytes, 0) };
}

function backUp(stage: Stage, server: string, transport: Transport, full: boolean): Promise<BackupResult> {
  const { engine, jobs, signal } = stage;
  return jobs.run(
    { operation: 'backup', transport, server },
    () => engine.backup({ server, transport, full, signal }),
    ({ pointId, kind }) => ({ point: pointId, mode: kind }),
  );
}

async function restoreAndCompare(
  stage: Stage,
  server: ServerItem,
  transport: Transport,
  point: string,
): Promise<Shown> {
  const { engine, jobs, signal, settings, journal, environment } = stage;
  const newName = RESTORED_NAME(settings, server.name, transport);
  const restored = await jobs.run(
    { operation: 'restore', transport, point },
    () => engine.restore({ pointId: point, to: 'new', newName, transport, powerOn: false, signal }),
    (result) => ({ server: result.server.id }),
  );
  const again = await backUp(stage, restored.server.id, transport, true);
  const { bytes, differences, where } = await comparePoints(environment.repository, point, again.pointId);
  journal.append({ type: 'compared', what: 'server', point, server: restored.server.id, bytes, differences });
  await removeServer(stage, restored.server.id);
  if (differences === 0) return { comparedBytes: bytes };
  const expected = `every byte of the ${bytes} of point ${point}`;
  const actual = `${differences} bytes in sectors that differ, first ${where.join(', ')}`;
  return { comparedBytes: bytes, findings: [{ where: 'the restored server, read back', expected, actual }] };
}

const removeServer = ({ changing }: Stage, id: string): Promise<void> =>
  ended(changing, changing.deleteServer(id));

/** Leftovers go, tracking is as it was, and the platform is asked whether that is so. */
async function leaveNothing(stage: Stage): Promise<Shown> {
  const { engine, guard, changing, reading, settings, servers } = stage;
  const { warnings } = await engine.cleanup();
  for (const id of guard.own.servers)
    if ((await reading.serverById(id)) !== undefined) await removeServer(stage, id);
  const tracked = [...guard.trackedHere];
  for (const id of tracked) await ended(changing, changing.setCbt(id, 'disable'));
  const left = await findLeftBehind({ client: reading, tag: settings.tag, servers, own: guard.own, tracked });
  const why = warnings.length === 0 ? '' : `; the engine says: ${warnings.join('; ')}`;
  const findings = left.map((what) => ({
    where: 'left behind',
    expected: 'nothing',
    actual: `${what}${why}`,
  }));
  const refused = guard.refused.map(({ method, path, why }) => ({
    where: 'the guard',
    expected: 'calls that only touch what is the run’s own',
    actual: `${method} ${path}, which was not sent: ${why}`,
  }));
  return { findings: [...findings, ...refused] };
}

/** Begins and ends a job: its context, its note, its heartbeat. */
import { messageOf } from '../repository/errors.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import type { EngineEnvironment } from './engine-api.ts';
import { Heartbeat } from './heartbeat.ts';
import type { HostSlots } from './host-slots.ts';
import type { JobContext } from './job-context.ts';
import { JobAborted, JobFailed } from './job-failed.ts';
import { leaveStartedProxies } from './proxy-power.ts';
import type { ProxyDesk } from './proxy-queue.ts';
import { RunNote } from './run-note.ts';
import { Setback } from './setback.ts';
import type { Settings } from './settings.ts';

/** What outlives single jobs. */
export interface EngineKit {
  readonly env: EngineEnvironment;
  readonly settings: Settings;
  readonly hostSlots: HostSlots;
  readonly desk: ProxyDesk;
  readonly scp: ScpClient;
}

const RUN_ID_DIGITS = 12;

/**
 * Runs a job with a fresh context. Whatever it throws leaves as `JobFailed`; the note stays exactly when something
 * is left on the platform.
 */
export async function runJob<T>(
  kit: EngineKit,
  kind: 'backup' | 'restore',
  signal: AbortSignal | undefined,
  work: (context: JobContext) => Promise<T>,
): Promise<T> {
  const context = createContext(kit, kind, signal ?? new AbortController().signal);
  const heartbeat = new Heartbeat(context);
  try {
    return await work(context);
  } catch (error) {
    throw asJobFailed(context, error);
  } finally {
    await leaveStartedProxies(context);
    await heartbeat.stop();
    await closeNote(context);
  }
}

function createContext(kit: EngineKit, kind: 'backup' | 'restore', signal: AbortSignal): JobContext {
  const { env, settings, hostSlots, desk, scp } = kit;
  const runId = env.ids.hex(RUN_ID_DIGITS);
  const record = {
    runId,
    kind,
    serverId: '',
    serverName: '',
    snapshots: [],
    resourceIds: [],
    unheardLockUntilMs: 0,
    hotAdded: [],
    startedProxies: [],
    aliveUntilMs: 0,
  };
  return {
    env,
    settings,
    hostSlots,
    desk,
    proxyStrikes: new Map(),
    scp: scp.with({ signal }),
    scpAlways: scp,
    signal,
    note: new RunNote(env.repository, settings.tag, record),
    warnings: [],
  };
}

function asJobFailed(context: JobContext, error: unknown): JobFailed {
  if (error instanceof JobFailed)
    return new JobFailed(error.step, error.cause, { ...detailsOf(error), warnings: context.warnings });
  const cause = context.signal.aborted ? new JobAborted('aborted', { cause: error }) : error;
  const step = error instanceof Setback ? error.kind : 'job';
  return new JobFailed(step, cause, { warnings: context.warnings });
}

function detailsOf(error: JobFailed): { hint: string; unusableTarget: JobFailed['unusableTarget'] } {
  return { hint: error.hint, unusableTarget: error.unusableTarget };
}

/** A note that cannot be written changes nothing about the job's outcome; a later clean-up finds the older note. */
async function closeNote(context: JobContext): Promise<void> {
  try {
    await context.note.close();
  } catch (error) {
    context.warnings.push(`the run's note could not be closed: ${messageOf(error)}`);
  }
}

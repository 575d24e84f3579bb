/** Starts proxy VMs for jobs, and powers off what was started for them once nobody uses it. */
import { sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import { isNotFound, ScpError, TaskFailed } from '../sdk/scp-error.ts';
import { type JobContext, report, TASK_TIMEOUT_MS, warn } from './job-context.ts';
import type { ProxyAddress } from './proxy-agent.ts';
import { ProxyTrouble } from './proxy-trouble.ts';
import { type ReleaseContext, releaseContextOf } from './release.ts';
import { retryWhileTaken } from './wait-while-taken.ts';

const POLL_MS = 2000;
/** How long a proxy that is neither running nor off may stay so. */
const CHANGING_MS = 300_000;

/**
 * Resolves when the proxy runs. What is started is noted before the platform hears of it.
 * @throws ProxyTrouble
 */
export function ensureRunning(context: JobContext, proxy: ProxyAddress, signal: AbortSignal): Promise<void> {
  return context.desk.inTurn(proxy.id, () => startIfOff(context, proxy, signal), signal);
}

async function startIfOff(context: JobContext, proxy: ProxyAddress, signal: AbortSignal): Promise<void> {
  const deadlineMs = context.env.clock.now() + CHANGING_MS;
  let failure: unknown;
  for (let starts = 0; ; ) {
    const status = (await context.scp.serverById(proxy.id))?.status;
    if (status === 'running') return adopt(context, proxy);
    if (status === undefined) throw new ProxyTrouble(`proxy ${proxy.name} is gone`);
    if (status === 'stopped' && starts++ < MAX_STARTS) failure = await start(context, proxy);
    else if (status === 'stopped' || context.env.clock.now() >= deadlineMs)
      throw new ProxyTrouble(describe(proxy, status, failure), { cause: failure });
    else {
      report(context, { step: 'proxy', message: `waiting: ${proxy.name} is ${status}` });
      await sleep(context.env.clock, POLL_MS, signal);
    }
  }
}

const MAX_STARTS = 2;

function describe(proxy: ProxyAddress, status: string, failure: unknown): string {
  const why = failure === undefined ? '' : `: ${messageOf(failure)}`;
  return `proxy ${proxy.name} is ${status} and could not be started${why}`;
}

/** Returns why it did not work; somebody else may have been faster. */
async function start(context: JobContext, proxy: ProxyAddress): Promise<unknown> {
  report(context, { step: 'proxy', message: `starting ${proxy.name}` });
  await context.note.addStartedProxy(proxy);
  try {
    const { taskId } = await context.scp.startServer(proxy.id);
    await context.scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
    context.desk.setStarted(proxy.id, true);
    return undefined;
  } catch (error) {
    // Refused, or failed: whoever started it, it was not this job. Without an answer it may have been.
    if (!(error instanceof ScpError || error instanceof TaskFailed)) throw error;
    await context.note.dropStartedProxy(proxy.id);
    return error;
  }
}

/** Whoever works on a proxy that this engine has started is answerable for it too. */
async function adopt(context: JobContext, proxy: ProxyAddress): Promise<void> {
  if (context.desk.isStarted(proxy.id)) await context.note.addStartedProxy(proxy);
}

/** `busy`: it serves somebody; `off`: it is, or is gone; `done`: it was powered off. */
export type PowerOutcome = 'busy' | 'off' | 'done';

/** Powers a proxy off unless it serves a job of this engine or shows anybody's hot-added disk. */
export function powerOffIfIdle(context: ReleaseContext, proxyId: string): Promise<PowerOutcome> {
  const { desk, scp, clock, busyWaitMs } = context;
  return desk.inTurn(proxyId, async () => {
    if (desk.jobsOn(proxyId) > 0) return 'busy';
    const found = await settledConfiguration(context, proxyId);
    if (found === undefined || found.status !== 'running') {
      desk.setStarted(proxyId, false);
      return 'off';
    }
    if (found.disks.some((disk) => disk.purpose !== 'normal')) return 'busy';
    await retryWhileTaken({ clock, maxMs: busyWaitMs }, async () => {
      const { taskId } = await scp.stopServer(proxyId);
      await scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
    });
    desk.setStarted(proxyId, false);
    return 'done';
  });
}

/** A job that was aborted while its proxy started must not leave it running. `undefined`: the proxy is gone. */
async function settledConfiguration(context: ReleaseContext, proxyId: string) {
  const deadlineMs = context.clock.now() + CHANGING_MS;
  for (;;) {
    const found = await configurationOf(context.scp, proxyId);
    const isChanging = found?.status === 'starting' || found?.status === 'stopping';
    if (!isChanging || context.clock.now() >= deadlineMs) return found;
    await sleep(context.clock, POLL_MS);
  }
}

async function configurationOf(scp: ScpClient, proxyId: string) {
  try {
    return await scp.serverConfiguration(proxyId);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** At the end of a job. A proxy that others still use is theirs, or a later run's, to power off. Never throws. */
export async function leaveStartedProxies(context: JobContext): Promise<void> {
  for (const proxy of context.note.record.startedProxies) {
    try {
      const outcome = await powerOffIfIdle(releaseContextOf(context), proxy.id);
      const isOfThisEngine = context.desk.jobsOn(proxy.id) > 0;
      if (outcome !== 'busy' || isOfThisEngine) await context.note.dropStartedProxy(proxy.id);
      else
        warn(context, `proxy ${proxy.name}, started by this job, still serves others and was left running`);
    } catch (error) {
      warn(
        context,
        `proxy ${proxy.name} could not be powered off (${messageOf(error)}); the next run tries again`,
      );
    }
  }
}

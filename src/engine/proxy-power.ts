/** Starts proxy VMs for jobs, and powers off what was started for them once nobody uses it. */
import { sleep } from '../kernel/clock.ts';
import { messageOf } from '../repository/errors.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import { hasComeToNothing, isNotFound } from '../sdk/scp-error.ts';
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
    signal.throwIfAborted();
    const status = (await context.scp.serverById(proxy.id))?.status;
    if (status === 'running') return adopt(context, proxy);
    if (status === undefined) throw new ProxyTrouble(`proxy ${proxy.name} is gone`);
    if (status === 'stopped' && starts++ < MAX_STARTS) {
      failure = await start(context, proxy);
      if (failure !== undefined) await sleep(context.env.clock, POLL_MS, signal);
    } else if (status === 'stopped' || context.env.clock.now() >= deadlineMs)
      throw new ProxyTrouble(describe(proxy, status, failure), { cause: failure });
    else {
      report(context, { step: 'proxy', message: `waiting: ${proxy.name} is ${status}` });
      await sleep(context.env.clock, POLL_MS, signal);
    }
  }
}

const MAX_STARTS = 2;
const MAX_STOPS = 2;

function describe(proxy: ProxyAddress, status: string, failure: unknown): string {
  const why = failure === undefined ? '' : `: ${messageOf(failure)}`;
  return `proxy ${proxy.name} is ${status} and could not be started${why}`;
}

/**
 * Returns why it did not work. Somebody else may have been faster; but where it is not known what the call has done,
 * this job may have started it, and is answerable for it.
 */
async function start(context: JobContext, proxy: ProxyAddress): Promise<unknown> {
  const { note, desk, scp } = context;
  report(context, { step: 'proxy', message: `starting ${proxy.name}` });
  const wasNoted = note.record.startedProxies.some(({ id }) => id === proxy.id);
  await note.addStartedProxy(proxy);
  try {
    const { taskId } = await scp.startServer(proxy.id);
    desk.setStarted(proxy.id, true);
    await scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
    return undefined;
  } catch (error) {
    if (!hasComeToNothing(error)) desk.setStarted(proxy.id, true);
    else if (!wasNoted) {
      desk.setStarted(proxy.id, false);
      await note.dropStartedProxy(proxy.id);
    }
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
  const { desk } = context;
  return desk.inTurn(proxyId, async () => {
    if (desk.jobsOn(proxyId) > 0) return 'busy';
    const found = await settledConfiguration(context, proxyId);
    const isOn = found?.status === 'running';
    if (isOn && found.disks.some((disk) => disk.purpose !== 'normal')) return 'busy';
    if (isOn) await powerOff(context, proxyId);
    desk.setStarted(proxyId, false);
    return isOn ? 'done' : 'off';
  });
}

/** A task that says it is done may have done nothing, so the proxy is looked at. */
async function powerOff(context: ReleaseContext, proxyId: string): Promise<void> {
  const { scp, clock, busyWaitMs } = context;
  for (let stops = 0; stops < MAX_STOPS; stops++) {
    await retryWhileTaken({ clock, maxMs: busyWaitMs }, async () => {
      const { taskId } = await scp.stopServer(proxyId);
      await scp.waitForTask(taskId, { timeoutMs: TASK_TIMEOUT_MS });
    });
    if ((await settledConfiguration(context, proxyId))?.status !== 'running') return;
  }
  throw new Error('its shutdown is reported done, but it still runs');
}

/**
 * A job that was aborted while its proxy started must not leave it running. `undefined`: the proxy is gone.
 * @throws Error when it does not come to rest
 */
async function settledConfiguration(context: ReleaseContext, proxyId: string) {
  const deadlineMs = context.clock.now() + CHANGING_MS;
  for (;;) {
    const found = await configurationOf(context.scp, proxyId);
    const isChanging = found?.status === 'starting' || found?.status === 'stopping';
    if (!isChanging) return found;
    if (context.clock.now() >= deadlineMs) throw new Error(`it is still ${found.status}`);
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

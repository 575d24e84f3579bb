/** What every step of one job works with. */
import { sleep } from '../kernel/clock.ts';
import type { ScpClient } from '../sdk/scp-client-api.ts';
import type { EngineEnvironment, ProgressEvent } from './engine-api.ts';
import type { HostSlots } from './host-slots.ts';
import { JobAborted, JobFailed } from './job-failed.ts';
import type { ProxyDesk } from './proxy-queue.ts';
import { ProxyTrouble } from './proxy-trouble.ts';
import type { RunNote } from './run-note.ts';
import { Setback } from './setback.ts';
import type { Settings } from './settings.ts';

export interface JobContext {
  readonly env: EngineEnvironment;
  readonly settings: Settings;
  /** Shared by all jobs of the engine. */
  readonly hostSlots: HostSlots;
  /** Shared by all jobs of the engine: turns, slots and jobs of the proxy VMs. */
  readonly desk: ProxyDesk;
  /** How often each proxy has failed this job, by id. */
  readonly proxyStrikes: Map<string, number>;
  /** The platform, until the job is aborted. */
  readonly scp: ScpClient;
  /** The platform for clean-up: goes on after an abort. */
  readonly scpAlways: ScpClient;
  readonly signal: AbortSignal;
  readonly note: RunNote;
  /** Grows during the job and ends in its result. */
  readonly warnings: string[];
}

/** Long enough for the slowest merge of a snapshot; a task that takes longer is reported and left to the platform. */
export const CLEANUP_TIMEOUT_MS = 3_600_000;
export const TASK_TIMEOUT_MS = 1_800_000;

export function report(context: JobContext, event: ProgressEvent): void {
  context.env.onProgress?.(event);
}

export function warn(context: JobContext, message: string): void {
  context.warnings.push(message);
  report(context, { step: 'warning', message });
}

/** Runs one step; whatever it throws leaves the job as `JobFailed` that names the step. Setbacks and troubles with
 * a proxy pass through. */
export async function inStep<T>(context: JobContext, step: string, work: () => Promise<T>): Promise<T> {
  context.signal.throwIfAborted();
  report(context, { step });
  try {
    return await work();
  } catch (error) {
    throw nameStep(context, step, error);
  }
}

function nameStep(context: JobContext, step: string, error: unknown): unknown {
  if (error instanceof JobFailed || error instanceof Setback || error instanceof ProxyTrouble) return error;
  if (context.signal.aborted) return new JobFailed(step, new JobAborted('aborted', { cause: error }));
  return new JobFailed(step, error);
}

export function pause(context: JobContext, ms: number): Promise<void> {
  return sleep(context.env.clock, ms, context.signal);
}

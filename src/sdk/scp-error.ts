/** Refusals of the platform, as a caller of the SDK sees them. */
import type { ApiErrorCode, RetryClass } from '../contract/errors.ts';
import { refusalOfText, retryClassOf, retryClassOfText } from './refusals.ts';

/** The platform refused a call. Branch on `retry`, not on the text. */
export class ScpError extends Error {
  override readonly name = 'ScpError';
  readonly operation: string;
  readonly status: number;
  /** `code` (V1) or `errcode` (V2) of the envelope. */
  readonly code: string;
  /** The platform's own text. */
  readonly reason: string;
  /** Which known refusal the text is. */
  readonly refusal: ApiErrorCode | undefined;
  readonly retry: RetryClass;
  /** Seconds that the platform asked to wait, when it did. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    operation: string,
    answer: { status: number; code: string; message: string; retryAfterSeconds?: number | undefined },
  ) {
    super(`${operation} was refused (${answer.status}): ${answer.message}`);
    this.operation = operation;
    this.status = answer.status;
    this.code = answer.code;
    this.reason = answer.message;
    this.refusal = refusalOfText(answer.message);
    this.retry = retryClassOf(answer.status, answer.message);
    this.retryAfterSeconds = answer.retryAfterSeconds;
  }
}

/** A task ended without success. */
export class TaskFailed extends Error {
  override readonly name = 'TaskFailed';
  readonly taskId: string;
  readonly status: string;
  /** The platform's own text. */
  readonly reason: string;
  /** Which known refusal the text is. */
  readonly refusal: ApiErrorCode | undefined;
  readonly retry: RetryClass;

  constructor(task: { id: string; action: string; status: string; description: string }) {
    super(
      `task ${task.action} (${task.id}) ended with ${task.status}: ${task.description || 'no reason given'}`,
    );
    this.taskId = task.id;
    this.status = task.status;
    this.reason = task.description;
    this.refusal = refusalOfText(task.description);
    this.retry = retryClassOfText(task.description);
  }
}

/** A task was still under way when the caller's patience ended. */
export class TaskTimeout extends Error {
  override readonly name = 'TaskTimeout';
  readonly taskId: string;

  constructor(taskId: string, timeoutMs: number) {
    super(`task ${taskId} did not end within ${timeoutMs / 1000} s`);
    this.taskId = taskId;
  }
}

/** The retry class of any failure of the SDK; `undefined` for what is no refusal. */
export function retryClassOfError(error: unknown): RetryClass | undefined {
  return error instanceof ScpError || error instanceof TaskFailed ? error.retry : undefined;
}

/**
 * Whether the platform has declined the call, so that it has had no effect. An internal error or a gateway's answer
 * says nothing about that.
 */
export function isRefusal(error: unknown): boolean {
  return error instanceof ScpError && (error.status < 500 || error.status === 503);
}

/**
 * Whether it is known what a call with a task has done: nothing, because it was declined or its task failed. After
 * anything else (no answer, a damaged one, a task that could not be asked about or that takes too long) the effect may
 * still come.
 */
export function hasComeToNothing(error: unknown): boolean {
  if (error instanceof TaskFailed) return true;
  return error instanceof ScpError && error.operation !== 'tasks.get' && isRefusal(error);
}

/** Whether the platform said that the thing does not exist (any more); a call that it does not know says nothing of it. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ScpError && error.status === 404 && error.refusal !== 'UNKNOWN_PATH';
}

/** The known refusal behind any failure of the SDK, of a call or of its task. */
export function refusalOfError(error: unknown): ApiErrorCode | undefined {
  return error instanceof ScpError || error instanceof TaskFailed ? error.refusal : undefined;
}

/**
 * Whether another HotAdd task ran on the same proxy VM. The call itself is accepted then, and its task fails: nothing
 * was attached or removed, and the same call may be made again.
 */
export const isHotAddConflict = (error: unknown): boolean => refusalOfError(error) === 'HOTADD_CONFLICT';

/** Whether a disk to be removed is not there any more, so that nothing is left to remove. */
export const isDiskNotAttached = (error: unknown): boolean => refusalOfError(error) === 'DISK_NOT_ATTACHED';

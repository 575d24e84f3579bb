/** What the groups of a client's calls have in common. */
import type { OperationName } from '../contract/operations.ts';
import type { CallSpec } from './caller.ts';
import { FieldReader } from './field-reader.ts';

/** A call with its login, signal and patience; resolves to the answer's `data`. */
export type BoundCall = (operation: OperationName, spec?: CallSpec) => Promise<unknown>;

export function readTaskStarted(operation: OperationName, data: unknown): { taskId: string } {
  return { taskId: new FieldReader(operation, data).string('task_id') };
}

/** Deletions are documented to answer without a body, and then there is no task to wait for. */
export function readMaybeTask(operation: OperationName, data: unknown): { taskId: string | undefined } {
  return { taskId: new FieldReader(operation, data).stringOr('task_id', '') || undefined };
}

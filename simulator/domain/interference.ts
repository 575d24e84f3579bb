/**
 * A way into the course of a world for whoever wants to disturb it: the world asks at every step of a task what is to
 * become of it, and tells how long its leases run. Nobody disturbs it unless told so.
 */
import type { TaskAction } from './world-api.ts';

/** `waiting`: the call was accepted. `doing`: the work begins. `finish`: it would have its effect. */
export const TASK_STEPS = ['waiting', 'doing', 'finish'] as const;
export type TaskStep = (typeof TASK_STEPS)[number];

export interface TaskMoment {
  readonly action: TaskAction;
  readonly step: TaskStep;
  readonly serverId?: string;
  /** What the journal calls the task's object: a snapshot, a backup resource, a server. */
  readonly objectId: string;
}

/** What comes of a task, in place of its step or before it. */
export type TaskFate =
  /** It ends in failure; what the call had begun is taken back. */
  | { readonly kind: 'fail'; readonly message: string }
  /** It is reported done; what the call had begun is taken back. */
  | { readonly kind: 'phantom' }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Something else befalls the world first. */
  | { readonly kind: 'event'; readonly happen: () => void }
  /** It stays as it is until `resume` is called, perhaps never. */
  | { readonly kind: 'hang'; readonly whenOver: (resume: () => void) => void };

export interface Interference {
  /** In the order in which they come; all after one that ends the task are void. */
  fatesOf(moment: TaskMoment): readonly TaskFate[];
  leaseChanged(lease: Lease): void;
}

/** The time that a backup resource has. */
export interface Lease {
  readonly resourceId: string;
  readonly serverId: string;
  /** `undefined` when it is over. */
  readonly deadlineMs: number | undefined;
}

export const NO_INTERFERENCE: Interference = { fatesOf: () => [], leaseChanged: () => undefined };

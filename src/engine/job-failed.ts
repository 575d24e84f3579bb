/** How a job ends that did not succeed. */

export interface FailedTarget {
  readonly id: string;
  readonly name: string;
}

/** The one error that leaves the engine. `cause` is what went wrong; `hint` what the operator can do next. */
export class JobFailed extends Error {
  override readonly name = 'JobFailed';
  /** The step that failed: `login`, `eligibility`, `snapshot`, `lock`, `transfer`, `commit`, ... */
  readonly step: string;
  readonly hint: string;
  /** Server of a restore that now holds an incomplete image. It is off and must not be started. */
  readonly unusableTarget: FailedTarget | undefined;
  /** What could not be cleaned up, and other remarks. */
  readonly warnings: readonly string[];

  constructor(
    step: string,
    cause: unknown,
    details: { hint?: string; unusableTarget?: FailedTarget | undefined; warnings?: readonly string[] } = {},
  ) {
    super(`${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.step = step;
    this.hint = details.hint ?? (cause instanceof Refusal ? cause.hint : '');
    this.unusableTarget = details.unusableTarget;
    this.warnings = details.warnings ?? [];
  }
}

/** The engine itself declines, with a reason and what to do about it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly hint: string;

  constructor(reason: string, hint: string, options?: ErrorOptions) {
    super(reason, options);
    this.hint = hint;
  }
}

/** The job was aborted by its caller's signal. */
export class JobAborted extends Error {
  override readonly name = 'JobAborted';
}

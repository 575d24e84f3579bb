/** How a command ends when it cannot do what it was asked. */

export const EXIT = { ok: 0, findings: 1, usage: 2, environment: 3, internal: 70 } as const;

/** Printed as it is, without a stack. `message` says what is wrong, `advice` what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  readonly advice: string | undefined;

  constructor(
    kind: 'findings' | 'usage' | 'environment',
    message: string,
    advice?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.exitCode = EXIT[kind];
    this.advice = advice;
  }
}

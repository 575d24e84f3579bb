/** What every command has in common: its signals, its output, its end. */
import type { ProgressEvent } from '../../engine/engine-api.ts';
import { EXIT } from '../cli-error.ts';
import { type ExitCode, explainFailure } from './exit-code.ts';
import { createProgressReporter } from './progress-bar.ts';

interface CommandContext {
  /** Aborted by SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Prints the result: as JSON when asked for, else as text. */
  print(result: unknown, render: () => string): void;
}

/** Returns nothing for success, or the exit code that the result deserves. */
export type CommandWork = (context: CommandContext) => Promise<ExitCode | undefined>;

/** Runs the work of a command and sets the exit code. The first SIGINT aborts cleanly, the second kills. */
export async function runCommand(options: { json?: boolean }, work: CommandWork): Promise<void> {
  const abort = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    process.stderr.write(`\n${signal}: releasing what the job holds; once more to stop at once\n`);
    abort.abort(new Error(`stopped by ${signal}`));
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  const progress = createProgressReporter(process.stderr, () => performance.now());
  try {
    const code = await work({
      signal: abort.signal,
      onProgress: (event) => progress.show(event),
      print: (result, render) => {
        progress.end();
        process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : render());
      },
    });
    process.exitCode = code ?? EXIT.ok;
  } catch (error) {
    progress.end();
    process.exitCode = reportFailure(error, options);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

function reportFailure(error: unknown, { json }: { json?: boolean }): ExitCode {
  const { exitCode, message, hint, warnings } = explainFailure(error);
  if (json) process.stdout.write(`${JSON.stringify({ error: { message, hint, warnings } })}\n`);
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  process.stderr.write(`error: ${message}\n`);
  if (hint !== '') process.stderr.write(`next: ${hint}\n`);
  if (exitCode === EXIT.internal && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return exitCode;
}

/** `--engine exec:./my-engine` and `--engine http://...`: where somebody else's engine is, and the door to it. */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Declaration, FileInvalid, parseDeclaration } from '../../../harness/driver/declaration.ts';
import type { EngineDoor } from '../../../harness/driver/engine-door.ts';
import { postJob } from '../../runtime/posted-job.ts';
import { startProgram } from '../../runtime/program-job.ts';
import { CliError } from '../cli-error.ts';

export type EnginePlace =
  | { readonly kind: 'exec'; readonly command: string; readonly args: readonly string[] }
  | { readonly kind: 'http'; readonly url: string };

const DECLARATION_NAME = 'backlot-engine.yaml';

/** `undefined` when the word names no engine outside. @throws CliError when there is no such executable */
export function parseEnginePlace(word: string): EnginePlace | undefined {
  if (/^https?:\/\//.test(word)) return { kind: 'http', url: word };
  if (!word.startsWith('exec:')) return undefined;
  const whole = word.slice('exec:'.length);
  const [command = '', ...args] = existsSync(whole) ? [whole] : whole.split(/\s+/);
  checkExecutable(command);
  return { kind: 'exec', command: resolve(command), args };
}

function checkExecutable(command: string): void {
  const isFile = existsSync(command) && statSync(command).isFile();
  if (!isFile)
    throw new CliError(
      'usage',
      `--engine exec:${command}: there is no such file`,
      'Give the path of an executable, like --engine exec:./my-engine.',
    );
  try {
    accessSync(command, constants.X_OK);
  } catch (error) {
    throw new CliError('usage', `--engine exec:${command}: it is not executable`, `chmod +x ${command}`, {
      cause: error,
    });
  }
}

/** The declaration that was named, or the one beside the executable. @throws CliError */
export function readDeclaration(place: EnginePlace, file: string | undefined): Declaration {
  const found = file ?? beside(place);
  if (found === undefined)
    throw new CliError(
      'usage',
      'nothing says what the engine can do',
      place.kind === 'http'
        ? `Give --capabilities FILE; "backlot list schema engine" describes the file.`
        : `Put ${DECLARATION_NAME} beside the executable or give --capabilities FILE; "backlot list schema engine" describes the file.`,
    );
  try {
    return parseDeclaration(readFileSync(found, 'utf8'), found);
  } catch (error) {
    if (error instanceof FileInvalid)
      throw new CliError(
        'usage',
        `the declaration of the engine is not right:\n${error.problems.map((line) => `  ${line}`).join('\n')}`,
        '"backlot list schema engine" describes the file.',
        { cause: error },
      );
    throw unreadable(found, error);
  }
}

function beside(place: EnginePlace): string | undefined {
  if (place.kind === 'http') return undefined;
  const file = join(dirname(place.command), DECLARATION_NAME);
  return existsSync(file) ? file : undefined;
}

export function unreadable(file: string, error: unknown): CliError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return new CliError('usage', `${file}: cannot be read (${code})`, undefined, { cause: error });
}

export function openDoor(place: EnginePlace, isKillable: boolean | undefined): EngineDoor {
  if (place.kind === 'http') {
    const { url } = place;
    return {
      place: url,
      canKill: isKillable ?? false,
      start: (job, onOutput) => postJob({ url, input: JSON.stringify(job), onOutput }),
    };
  }
  const { command, args } = place;
  return {
    place: [command, ...args].join(' '),
    canKill: isKillable ?? true,
    start: (job, onOutput) => startProgram({ command, args, input: `${JSON.stringify(job)}\n`, onOutput }),
  };
}

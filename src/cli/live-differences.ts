/** Files that say where a real platform differs from the simulator. */
import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import {
  type Differences,
  DIFFERENCES_VERSION,
  DifferencesInvalid,
  parseDifferences,
} from '../contract/differences.ts';
import { CliError } from './cli-error.ts';

const ADVICE = 'It takes a file that "backlot probe URL --out FILE" has written.';

/** @throws CliError */
export function readDifferences(file: string): Differences {
  try {
    return parseDifferences(parse(readFileSync(file, 'utf8')));
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    const what = error instanceof DifferencesInvalid ? 'is not right' : 'cannot be read';
    throw new CliError('usage', `${file} ${what}: ${why}`, ADVICE, { cause: error });
  }
}

export function renderDifferences(differences: Differences): string {
  const head = [
    '# Where a platform differs from the simulator. Made by "backlot probe".',
    '# "backlot serve --differences FILE" takes it on: version, calls that are refused, fields that are missing or of',
    '# another kind, and sizes of pages. Extra fields and envelopes are written down only.',
  ];
  return `${head.join('\n')}\n${stringify({ differences: DIFFERENCES_VERSION, ...differences })}`;
}

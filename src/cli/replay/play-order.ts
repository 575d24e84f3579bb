/** What `replay` and `shrink` are told to play: a scenario, and how it was played when it failed. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { MUTANTS } from '../../../harness/mutants/mutants.ts';
import { readHeader, type ScenarioHeader } from '../../../harness/replay/scenario-header.ts';
import type { Scenario } from '../../../harness/runner/scenario-schema.ts';
import type { Seams } from '../../../harness/runner/seams.ts';
import type { Transport } from '../../engine/engine-api.ts';
import { CliError } from '../cli-error.ts';
import { seamsOfMutant } from '../mutant-seams.ts';
import { chooseScenarios } from '../scenario-folder.ts';

const ENGINES = ['nbd', 'nbdssl', 'hotadd'] as const satisfies readonly Transport[];

export interface PlayFlags {
  readonly script?: string;
  readonly engine?: Transport;
  readonly seed?: string;
  readonly mutant?: string;
  readonly json?: boolean;
}

export function playCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('[scenario]', 'a file that a sweep or a run has written, or the id of a scenario')
    .option('--script <file>', 'the same, for those who like to say --seed N --script FILE')
    .addOption(new Option('--engine <name>', 'reference engine; else what the file says').choices(ENGINES))
    .option('--seed <text>', 'seed of the run; else what the file says, else 1')
    .option('--mutant <id>', 'with a broken engine or platform; else what the file says')
    .option('--json', 'one JSON document on standard output');
}

/** What is to be played: the scenario, and how. */
export interface Order {
  readonly scenario: Scenario;
  readonly file: string;
  readonly engine: Transport;
  readonly seed: string;
  readonly mutant?: string;
  readonly journalHash?: string;
  readonly seams: () => Seams;
}

/** @throws CliError when there is none, or two */
function wordOf(word: string | undefined, { script }: PlayFlags): string {
  const only = word ?? script;
  if (only === undefined || (word !== undefined && script !== undefined))
    throw new CliError('usage', 'it takes one scenario', 'Name a file or an id, or a file with --script.');
  return only;
}

export function readOrder(given: string | undefined, flags: PlayFlags): Order {
  const word = wordOf(given, flags);
  const text = existsSync(word) ? readFileSync(word, 'utf8') : '';
  if (text.startsWith('{"n":') || text.startsWith('{"type":'))
    throw new CliError(
      'usage',
      `${word} is a recorded journal, which can be judged but not driven again`,
      `Try "backlot judge ${word}".`,
    );
  const header: ScenarioHeader = readHeader(text);
  const [scenario, ...others] = chooseScenarios([word]);
  if (scenario === undefined || others.length > 0)
    throw new CliError('usage', `${word} is ${others.length + 1} scenarios`, 'Name one of them.');
  const mutant = flags.mutant ?? header.mutant;
  if (mutant !== undefined && !MUTANTS.some(({ id }) => id === mutant))
    throw new CliError('usage', `no mutant is called ${mutant}`, 'Try "backlot list mutants".');
  const engine = flags.engine ?? header.engine ?? scenario.engines?.[0] ?? 'nbdssl';
  const seed = flags.seed ?? header.seed ?? '1';
  const isAsWritten =
    engine === header.engine &&
    seed === header.seed &&
    flags.mutant === undefined &&
    header.journalHash !== undefined;
  return {
    scenario,
    file: word,
    engine,
    seed,
    ...(mutant === undefined ? {} : { mutant }),
    ...(isAsWritten ? { journalHash: header.journalHash } : {}),
    seams: () => (mutant === undefined ? {} : seamsOfMutant(mutant)),
  };
}

export function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliError('environment', `${file} cannot be written: ${code ?? message}`);
  }
}

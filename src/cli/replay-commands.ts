/** `backlot replay` and `backlot shrink`: a failure again, byte for byte, and then as small as it gets. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { type PlayedAgain, playAgain } from '../../harness/replay/play-again.ts';
import { readHeader, type ScenarioHeader, writeHeader } from '../../harness/replay/scenario-header.ts';
import { renderTimeline } from '../../harness/report/timeline.ts';
import { runOnce } from '../../harness/runner/run-once.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import type { Seams } from '../../harness/runner/seams.ts';
import { scenarioText } from '../../harness/shrink/scenario-text.ts';
import { NothingToShrink, shrink, type Shrunk } from '../../harness/shrink/shrink.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import type { Transport } from '../engine/engine-api.ts';
import { type JournalEntry, toJsonLine } from '../kernel/journal.ts';
import { CliError, EXIT } from './cli-error.ts';
import { chooseScenarios } from './scenario-folder.ts';
import { seamsOfMutant } from './mutant-seams.ts';

const ENGINES = ['nbd', 'nbdssl', 'hotadd'] as const satisfies readonly Transport[];

interface PlayFlags {
  readonly script?: string;
  readonly engine?: Transport;
  readonly seed?: string;
  readonly mutant?: string;
  readonly json?: boolean;
}

interface ReplayFlags extends PlayFlags {
  readonly until?: (entry: JournalEntry) => boolean;
  readonly step?: boolean;
  readonly journal?: string;
}

interface ShrinkFlags extends PlayFlags {
  readonly out?: string;
  readonly runs: number;
}

export function registerReplayCommands(program: Command): void {
  registerReplay(program);
  registerShrink(program);
}

function playCommand(program: Command, name: string, description: string): Command {
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

function registerReplay(program: Command): void {
  playCommand(program, 'replay', 'play one run again, byte for byte, and show it as a timeline')
    .option('--until <event>', 'stop at this journal entry: its number, or a part of it as text', parseUntil)
    .option('--step', 'show the journal entry by entry; Enter shows the next one')
    .option('--journal <file>', 'write the journal there, one JSON object per line')
    .addHelpText('after', REPLAY_HELP)
    .action(replay);
}

const REPLAY_HELP = `
A file that "backlot sweep" has written says in its first lines with which engine, seed and mutant it failed and what
the hash of its journal was. The same run gives the same journal; if it does not, something else has changed.

Examples:
  backlot replay reports/sweep/failures/W01-full.nbd.kill_1.yaml
  backlot replay FILE --until 212                          the world as it was at journal entry 212
  backlot replay FILE --until '"type":"fault.fired"'       ... when the fault struck
  backlot replay --seed 7 --script FILE                    with another seed than the file says
  backlot replay S023 --engine nbd --seed 7 --step         any scenario, entry by entry
Exit codes: 0 passed, 1 it fails (again) or gives another journal than written down, 2 wrong usage, 70 internal error.`;

function registerShrink(program: Command): void {
  playCommand(program, 'shrink', 'make a failing scenario as small as it can be without losing its failure')
    .option('--out <file>', 'where the small scenario goes; printed when left out')
    .option('--runs <n>', 'at most so many runs', parseRuns, 2000)
    .addHelpText('after', SHRINK_HELP)
    .action(shrinkFile);
}

const SHRINK_HELP = `
Takes away attacks, steps, servers, disks, sizes and settings, one after the other, as long as the run still fails in
the same way.

Examples:
  backlot shrink reports/sweep/failures/W01-full.nbd.kill_1.yaml --out small.yaml
  backlot shrink my-scenario.yaml --engine nbd --mutant base-before-commit
Exit codes: 0 shrunk, 1 it does not fail, 2 wrong usage, 70 internal error.`;

/** What is to be played: the scenario, and how. */
interface Order {
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

function readOrder(given: string | undefined, flags: PlayFlags): Order {
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

async function replay(word: string | undefined, flags: ReplayFlags): Promise<void> {
  const order = readOrder(word, flags);
  const { scenario, engine: transport, seed, seams } = order;
  await using simulator = await createSimulator();
  const { until } = flags;
  const played = await playAgain({
    simulator,
    scenario,
    transport,
    seed,
    seams: seams(),
    ...(until === undefined ? {} : { until }),
  });
  const { journal } = played.record;
  if (flags.journal !== undefined) writeText(flags.journal, journal.map(toJsonLine).join(''));
  if (flags.step === true) await showSteps(journal);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(describe(order, played))}\n` : render(order, played),
  );
  process.exitCode = played.stopped !== undefined || isAsItShouldBe(order, played) ? EXIT.ok : EXIT.findings;
}

function isAsItShouldBe({ journalHash }: Order, { record }: PlayedAgain): boolean {
  const isSame = journalHash === undefined || journalHash === record.journalHash;
  return isSame && record.outcome === 'passed';
}

function describe({ scenario, engine, seed, mutant, journalHash }: Order, { record, stopped }: PlayedAgain) {
  const { outcome, reason, findings, faults, virtualMs } = record;
  return {
    scenario: scenario.id,
    engine,
    seed,
    mutant,
    outcome: stopped === undefined ? outcome : 'stopped',
    reason,
    findings,
    faults,
    virtualMs,
    journalEntries: record.journal.length,
    journalHash: record.journalHash,
    ...(journalHash === undefined ? {} : { isSameJournal: journalHash === record.journalHash }),
    ...(stopped === undefined ? {} : { stopped }),
  };
}

function render(order: Order, played: PlayedAgain): string {
  const { record, cast, marks, stopped } = played;
  const width = Math.min(Math.max(process.stdout.columns ?? 110, 100), 160);
  const to = stopped === undefined ? {} : { to: stopped.at };
  const timeline = renderTimeline(record.journal, { cast, marks, columns: width, ...to });
  return [timeline, '', ...(stopped === undefined ? verdict(order, played) : standstill(played)), ''].join(
    '\n',
  );
}

function verdict({ journalHash, scenario, engine, seed }: Order, { record }: PlayedAgain): readonly string[] {
  const { outcome, reason, findings, faults } = record;
  const same =
    journalHash === undefined
      ? []
      : [
          journalHash === record.journalHash
            ? 'the same journal as written down'
            : `NOT the journal as written down, ${journalHash}`,
        ];
  return [
    `${scenario.id}, ${engine}, seed ${seed}: ${outcome}${reason === '' ? '' : `: ${reason}`}`,
    ...findings.flatMap(({ evidence }) => evidence.map((line) => `  ${line}`)),
    ...faults.map(({ id, kind, fired }) => `  fault ${id} (${kind}) struck ${fired}x`),
    `journal ${record.journalHash}, ${record.journal.length} entries`,
    ...same,
  ];
}

function standstill({ record, stopped }: PlayedAgain): readonly string[] {
  if (stopped === undefined) return [];
  const { state, at } = stopped;
  const entry = record.journal[at];
  const lines = [
    ...state.servers.map(({ name, status }) => `  server ${name}: ${status}`),
    ...state.snapshots.map(({ id, name }) => `  snapshot ${name} (${id})`),
    ...state.resources.map(({ id, status }) => `  backup resource ${id}: ${status}`),
    ...state.hotAddedDisks.map(({ disk, proxy, slot }) => `  hot-added disk ${disk} on ${proxy}, ${slot}`),
    ...state.tasks.map(({ id, action }) => `  task ${action} (${id})`),
  ];
  return [`stopped at entry ${at}: ${JSON.stringify(entry)}`, 'the world at that instant:', ...lines];
}

/** The run is over by then: a journal can be walked through without holding anything up. */
async function showSteps(journal: readonly JournalEntry[]): Promise<void> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const isTerminal = process.stdin.isTTY;
  for (const entry of journal) {
    process.stdout.write(toJsonLine(entry));
    if (isTerminal && (await lines.question('')) === 'q') break;
  }
  lines.close();
}

async function shrinkFile(word: string | undefined, flags: ShrinkFlags): Promise<void> {
  const order = readOrder(word, flags);
  const { engine: transport, seed, seams } = order;
  await using simulator = await createSimulator();
  const shrunk = await shrink({
    scenario: { ...order.scenario, engines: [transport] },
    play: (scenario) => runOnce({ simulator, scenario, transport, seed, seams: seams() }),
    maxRuns: flags.runs,
    onSmaller: (_, runs) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${runs} runs`);
    },
  }).catch((error: unknown) => {
    if (error instanceof NothingToShrink) throw new CliError('findings', error.message);
    throw error;
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  const text = smallFile(order, shrunk, flags.out ?? 'FILE');
  if (flags.out !== undefined) writeText(flags.out, text);
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(summary(shrunk))}\n` : explain(shrunk, flags.out, text),
  );
}

/** A file that a machine wrote gives the reason of its run, and that is another one now. */
function smallFile(order: Order, { scenario, record }: Shrunk, file: string): string {
  const title = shorten(titleOf(record), LONGEST_TITLE);
  const why = order.journalHash === undefined ? scenario.why : shorten(record.reason, LONGEST_TITLE);
  const { engine, seed, mutant } = order;
  const header = writeHeader(basename(file), {
    engine,
    seed,
    journalHash: record.journalHash,
    ...(mutant === undefined ? {} : { mutant }),
  });
  return `${header}${scenarioText({ ...scenario, title, why })}`;
}

const LONGEST_TITLE = 120;

/** What breaks, and what the bytes tell of how: `a change was missed`. */
function titleOf({ findings }: Shrunk['record']): string {
  const [finding] = findings;
  const told = finding?.evidence.find((line) => line.includes('expected write'));
  const how = told === undefined ? '' : told.slice(told.lastIndexOf(': ') + 1);
  return `Breaks: ${finding?.where ?? ''}: ${finding?.actual ?? ''}${how === '' ? '' : `,${how}`}`;
}

function summary({ scenario, record, runs, isMinimal }: Shrunk) {
  return { runs, isMinimal, reason: record.reason, journalHash: record.journalHash, scenario };
}

function explain({ runs, isMinimal, record }: Shrunk, out: string | undefined, text: string): string {
  const end = isMinimal
    ? 'nothing smaller fails in the same way'
    : 'the budget of runs is spent; --runs allows more';
  const where = out === undefined ? text : `${out}: ${text.trimEnd().split('\n').length} lines\n`;
  return `${where}\n${record.reason}\n${runs} runs; ${end}\n`;
}

function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}

function writeText(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CliError('environment', `${file} cannot be written: ${code ?? message}`);
  }
}

function parseUntil(text: string): (entry: JournalEntry) => boolean {
  if (/^\d+$/.test(text)) return ({ n }) => n === Number(text);
  return (entry) => JSON.stringify(entry).includes(text);
}

function parseRuns(text: string): number {
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1) return runs;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

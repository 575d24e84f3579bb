/** `backlot shrink`: a failure, as small as it gets. */
import { basename } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { writeHeader } from '../../../harness/replay/scenario-header.ts';
import { runOnce } from '../../../harness/runner/run-once.ts';
import { scenarioText } from '../../../harness/shrink/scenario-text.ts';
import { NothingToShrink, shrink, type Shrunk } from '../../../harness/shrink/shrink.ts';
import { createSimulator } from '../../../simulator/app/simulator.ts';
import { CliError } from '../cli-error.ts';
import { type Order, playCommand, type PlayFlags, readOrder, writeText } from './play-order.ts';

interface ShrinkFlags extends PlayFlags {
  readonly out?: string;
  readonly runs: number;
}

export function registerShrink(program: Command): void {
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

function parseRuns(text: string): number {
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1) return runs;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

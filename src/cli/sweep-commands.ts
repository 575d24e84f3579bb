/** `backlot sweep`: every fault at every step. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { renderTallyLine } from '../../harness/musts/tally-musts.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { renderMatrix } from '../../harness/report/sweep-matrix.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import { ATTACK_NAMES } from '../../harness/sweep/fault-table.ts';
import { isMeant } from '../../harness/sweep/plan-cells.ts';
import { planSweep, type SweepTask, sweep } from '../../harness/sweep/sweep.ts';
import type { SweepResult } from '../../harness/sweep/sweep-api.ts';
import {
  isTrouble,
  renderTotals,
  renderViolations,
  tallySweeps,
  totalsOf,
} from '../../harness/sweep/totals.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import type { Transport } from '../engine/engine-api.ts';
import { CliError, EXIT } from './cli-error.ts';
import { chooseScenarios, sweepScenarios } from './scenario-folder.ts';
import { seamsOfMutant } from './mutant-seams.ts';
import { openSweepLanes, type SweepLanes } from './sweep-lanes.ts';
import { type Swept, writeSweepPage } from './sweep-page.ts';
import { openRecord, writeResults } from './sweep-record.ts';

interface SweepFlags {
  readonly engine?: readonly Transport[];
  readonly faults?: string;
  readonly jobs: number;
  readonly pairs?: number | true;
  readonly resume?: boolean;
  readonly mutant?: string;
  readonly exhaustive?: boolean;
  readonly seed: string;
  readonly json?: boolean;
  readonly matrix?: boolean;
  readonly report: string;
}

const ENGINES = ['nbd', 'nbdssl', 'hotadd'] as const satisfies readonly Transport[];
const PAIRS = 2000;

export function registerSweepCommands(program: Command): void {
  program
    .command('sweep')
    .description('play scenarios again and again, with every fault at every one of their steps')
    .argument('[scenario...]', 'ids, beginnings of ids, or files (those made for sweeping when left out)')
    .addOption(
      new Option(
        '--engine <name...>',
        'reference engines (the first of each scenario when left out)',
      ).choices(ENGINES),
    )
    .option('--faults <names>', `some kinds of attack only, with commas: ${ATTACK_NAMES.join(', ')}`)
    .option('--pairs [n]', `also so many pairs of attacks (${PAIRS})`, parseCount)
    .option('--exhaustive', 'also play what is known to be the same run as another')
    .option('--jobs <n>', 'threads that play', parseCount, Math.min(4, availableParallelism()))
    .option('--resume', 'go on where an earlier sweep with this report folder was cut short')
    .option('--mutant <id>', 'with a broken engine or platform (see "backlot list mutants")')
    .option('--seed <text>', 'seed of the runs; the same seed gives the same journals', '1')
    .option(
      '--report <dir>',
      'where sweep.json, sweep.html and the files of failing cells go',
      'reports/sweep',
    )
    .option(
      '--matrix',
      'what came of every kind of attack at every point (with violations: where there is trouble)',
    )
    .option('--json', 'a line of JSON per sweep; the last one {points, runs, leftOut, violations, sometimes}')
    .addHelpText('after', HELP)
    .action(runSweeps);
}

const HELP = `
A run without an attack gives the points: requests, replies, steps of tasks, renewals, devices, operations of the
repository, steps of the engine. Then each kind of attack strikes at each of them, once and from there on, and the
engine is killed at each. A cell is survived when every restore point is right all the time and everything is in order
again within a day after the attack. Cells that are known to be the same run as another (two deaths between which nothing
changed; a question that is lost, and its answer) are counted, and played with --exhaustive. Cells that fail are written as scenario files to failures/ in the report folder.

Examples:
  backlot sweep                                    the scenarios made for it, each with its first engine
  backlot sweep W01 --engine nbd nbdssl            one scenario, two engines
  backlot sweep W01 --faults kill,lose-reply       two kinds of attack
  backlot sweep W01 --mutant base-before-commit    a broken engine, which it finds out
Exit codes: 0 all survived, 1 violations or attacks that struck nothing, 2 wrong usage, 3 environment, 70 internal error.`;

async function runSweeps(words: string[], flags: SweepFlags): Promise<void> {
  const options = planOptionsOf(flags);
  const tasks = tasksOf(words, flags);
  await using simulator = await createSimulator();
  await using open = openSweepLanes(flags.jobs, simulator);
  const swept: Swept[] = [];
  for (const task of tasks) {
    const seams = task.mutant === undefined ? {} : seamsOfMutant(task.mutant);
    const plan = await planSweep(simulator, task, seams, options);
    const result = await sweepOne(plan, open, flags);
    swept.push({ task, result });
    show(result, flags);
  }
  const results = swept.map(({ result }) => result);
  const file = writeResults(flags.report, results);
  const page = await writeSweepPage(flags.report, simulator, swept);
  const totals = totalsOf(results);
  const { points, runs, leftOut, violations } = totals;
  const sometimes = tallySweeps(results);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ points, runs, leftOut, violations, sometimes })}\n`
      : `${renderTotals('total', totals)}\n${renderTallyLine(sometimes)}Results: ${file}, and to look at: ${page}\n`,
  );
  process.exitCode = exitCodeOf(totals);
}

async function sweepOne(
  plan: Parameters<typeof openRecord>[1],
  { lanes }: SweepLanes,
  flags: SweepFlags,
): Promise<SweepResult> {
  const record = openRecord(flags.report, plan, flags.resume === true);
  const result = await sweep({
    plan,
    lanes,
    stopwatch: () => performance.now(),
    known: record.known,
    onResult: (cell, done, total) => {
      record.add(cell);
      if (process.stderr.isTTY) showProgress(plan.task, done, total);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\n');
  if (plan.unsound !== undefined) record.add(plan.unsound);
  return result;
}

function showProgress({ scenario, transport }: SweepTask, done: number, total: number): void {
  process.stderr.write(`\r${scenario.id} ${transport}: ${done} of ${total}`);
}

function show(result: SweepResult, flags: SweepFlags): void {
  const { scenario, engine, durationMs } = result;
  const totals = totalsOf([result]);
  if (flags.json === true)
    process.stdout.write(`${JSON.stringify({ scenario, engine, ...totals, durationMs })}\n`);
  else
    process.stdout.write(
      [
        `${renderTotals(`${scenario} ${engine}`, totals, durationMs)}\n`,
        renderViolations(result, join(flags.report, 'failures')),
        matrixOf(result, flags),
      ].join(''),
    );
}

/** Without being asked for only where there is something to see. */
function matrixOf(result: SweepResult, { matrix = false }: SweepFlags): string {
  return matrix || result.cells.some(isTrouble) ? `\n${renderMatrix(result, { isWhole: matrix })}\n` : '';
}

/** What struck nothing proves nothing. */
function exitCodeOf({ violations, broken, missed, runs }: ReturnType<typeof totalsOf>): number {
  if (broken > 0) return EXIT.internal;
  return violations > 0 || missed > 0 || runs === 0 ? EXIT.findings : EXIT.ok;
}

function tasksOf(words: readonly string[], flags: SweepFlags): readonly SweepTask[] {
  const { seed, mutant } = flags;
  if (mutant !== undefined && !MUTANTS.some(({ id }) => id === mutant))
    throw new CliError('usage', `no mutant is called ${mutant}`, 'Try "backlot list mutants".');
  const tasks = scenariosOf(words).flatMap((scenario) =>
    enginesOf(scenario, flags).map((transport) => ({
      scenario,
      transport,
      seed,
      ...(mutant === undefined ? {} : { mutant }),
    })),
  );
  if (tasks.length > 0) return tasks;
  throw new CliError('usage', `no scenario of these is meant for ${flags.engine?.join(' or ')}`);
}

/** Those made for sweeping by their ids too. */
function scenariosOf(words: readonly string[]): readonly Scenario[] {
  const made = sweepScenarios();
  if (words.length === 0) return made;
  return words.flatMap((word) => {
    const found = made.filter(({ id }) => id.startsWith(word));
    return found.length > 0 ? found : chooseScenarios([word]);
  });
}

function enginesOf({ engines }: Scenario, { engine }: SweepFlags): readonly Transport[] {
  const all: readonly Transport[] = engines ?? ENGINES;
  if (engine === undefined) return all.slice(0, 1);
  return all.filter((name) => engine.includes(name));
}

function planOptionsOf({ faults, pairs, exhaustive = false }: SweepFlags): Parameters<typeof planSweep>[3] {
  const names = faults?.split(',').filter((name) => name !== '');
  const unknown = names?.find((name) => !ATTACK_NAMES.some((known) => isMeant(name, known)));
  if (unknown !== undefined)
    throw new CliError(
      'usage',
      `no kind of attack is called ${unknown}`,
      `Choose ${ATTACK_NAMES.join(', ')}.`,
    );
  return {
    ...(names === undefined ? {} : { faults: names }),
    isExhaustive: exhaustive,
    ...(pairs === undefined ? {} : { pairs: pairs === true ? PAIRS : pairs }),
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

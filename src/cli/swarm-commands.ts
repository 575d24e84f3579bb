/** `backlot swarm`: busy worlds and random attacks, all drawn from seeds. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { renderSeed, renderSwarm, summaryOf, tallySwarm } from '../../harness/swarm/render-swarm.ts';
import type { SeedResult, SwarmGround, SwarmTask } from '../../harness/swarm/swarm-api.ts';
import { swarm } from '../../harness/swarm/swarm.ts';
import type { Transport } from '../engine/engine-api.ts';
import { CliError, EXIT } from './cli-error.ts';
import { chooseScenarios, sweepScenarios } from './scenario-folder.ts';
import { openSwarmLanes } from './swarm-lanes.ts';

interface SwarmFlags {
  readonly seeds?: number;
  readonly times?: number;
  readonly seed: number;
  readonly engine?: Transport;
  readonly jobs: number;
  readonly mutant?: string;
  readonly json?: boolean;
  readonly report: string;
}

export function registerSwarmCommands(program: Command): void {
  program
    .command('swarm')
    .description('play busy worlds under random attacks, all drawn from a seed')
    .argument('[scenario]', 'attack this scenario in place of a busy world: an id or a file')
    .option('--seeds <n>', 'so many seeds in a row, each in a small busy world', parseCount)
    .option('--seed <n>', 'the first seed', parseCount, 1)
    .option(
      '--times <n>',
      'play each seed so often and compare the journals (2; a single seed 1)',
      parseCount,
    )
    .addOption(
      new Option('--engine <name>', 'reference engine, where a scenario is named').choices([
        'nbd',
        'nbdssl',
        'hotadd',
      ]),
    )
    .option('--jobs <n>', 'threads that play', parseCount, Math.min(4, availableParallelism()))
    .option('--mutant <id>', 'with a broken engine or platform (see "backlot list mutants")')
    .option('--report <dir>', 'where swarm.json and the files of failing seeds go', 'reports/swarm')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', HELP)
    .action(runSwarm);
}

const HELP = `
Without --seeds: one day of eight servers with a backup of each every hour. With --seeds: as many small worlds, up to a few
hours and servers each. The seed draws the world, what happens in it, which families of faults there are and which of
them strike where; nothing is left to chance while it is played. A seed that is not survived is written as a scenario file
with its attack, which run, replay and shrink take.

Examples:
  backlot swarm                              a day of a busy world
  backlot swarm --seeds 1000                 a thousand small worlds, each twice: same seed, same journal
  backlot swarm W04 --seeds 200              one scenario under 200 random attacks
  backlot swarm --seeds 50 --mutant resource-before-detach
Exit codes: 0 all survived, 1 violations, 2 wrong usage, 3 environment, 70 internal error.`;

async function runSwarm(word: string | undefined, flags: SwarmFlags): Promise<void> {
  const tasks = tasksOf(word, flags);
  const failures = join(flags.report, 'failures');
  mkdirSync(failures, { recursive: true });
  await using open = await openSwarmLanes(Math.min(flags.jobs, Math.ceil(tasks.length / 4)));
  const begun = performance.now();
  const results = await swarm({
    tasks,
    lanes: open.lanes,
    onResult: (result, done, total) => {
      if (result.file !== undefined) writeFileSync(join(failures, result.file.name), result.file.text);
      if (process.stderr.isTTY)
        process.stderr.write(`\r${done} of ${total} seeds${done === total ? '\n' : ''}`);
    },
  });
  show(results, Math.round(performance.now() - begun), failures, flags);
}

function show(results: readonly SeedResult[], durationMs: number, failures: string, flags: SwarmFlags): void {
  const summary = { version: 1, ...summaryOf(results), durationMs, sometimes: tallySwarm(results) };
  const document = `${JSON.stringify({ ...summary, results: results.map(withoutText) })}\n`;
  writeFileSync(join(flags.report, 'swarm.json'), document);
  const [only] = results;
  const head = only !== undefined && results.length === 1 ? renderSeed(only) : '';
  process.stdout.write(
    flags.json === true ? document : `${head}${renderSwarm(results, durationMs, failures)}`,
  );
  process.exitCode =
    summary.broken > 0
      ? EXIT.internal
      : summary.violations > 0 || summary.survived === 0
        ? EXIT.findings
        : EXIT.ok;
}

function withoutText({ file, ...result }: SeedResult) {
  return { ...result, ...(file === undefined ? {} : { file: file.name }) };
}

function tasksOf(word: string | undefined, flags: SwarmFlags): readonly SwarmTask[] {
  const { seeds = 1, seed, mutant } = flags;
  if (mutant !== undefined && !MUTANTS.some(({ id }) => id === mutant))
    throw new CliError('usage', `no mutant is called ${mutant}`, 'Try "backlot list mutants".');
  const ground = groundOf(word, flags);
  const times = flags.times ?? (seeds === 1 ? 1 : 2);
  return Array.from({ length: seeds }, (_, at) => ({
    ground,
    seed: String(seed + at),
    times,
    ...(mutant === undefined ? {} : { mutant }),
  }));
}

function groundOf(word: string | undefined, { seeds, engine }: SwarmFlags): SwarmGround {
  if (word === undefined) {
    if (engine === undefined) return { size: seeds === undefined ? 'busy-day' : 'busy-hours' };
    throw new CliError('usage', 'a busy world draws its engine', 'Name a scenario, or leave out --engine.');
  }
  const made = sweepScenarios().filter(({ id }) => id.startsWith(word));
  const [scenario, ...others] = made.length > 0 ? made : chooseScenarios([word]);
  if (scenario === undefined || others.length > 0)
    throw new CliError('usage', `${word} is ${others.length + 1} scenarios`, 'Name one of them.');
  const transport = engine ?? scenario.engines?.[0] ?? 'nbd';
  if (scenario.engines?.includes(transport) ?? true) return { scenario, transport };
  throw new CliError('usage', `${scenario.id} is not a story of ${transport}`);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

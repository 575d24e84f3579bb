/** `backlot mutants`: broken engines and platforms, and what finds them out. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { HUNTING_GROUNDS } from '../../harness/mutants/hunting-grounds.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { type MutantVerdict, runMutants } from '../../harness/mutants/run-mutants.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { CliError, EXIT } from './cli-error.ts';
import { huntMutants } from './hunt-mutants.ts';
import { shippedScenarios } from './scenario-folder.ts';

interface MutantFlags {
  readonly seed: string;
  readonly all?: boolean;
  readonly sweep?: boolean;
  readonly quick?: boolean;
  readonly jobs: number;
  readonly only?: string;
  readonly json?: boolean;
}

export function registerMutantCommands(program: Command): void {
  program
    .command('mutants')
    .description('break engines and simulators on purpose and show what finds each one out')
    .option('--seed <text>', 'seed of the runs', '1')
    .option('--all', 'every scenario on every mutant, not only those named for it')
    .option(
      '--sweep',
      'sweeps in place of scenarios: classic mistakes, for none of which a scenario was written',
    )
    .option('--quick', 'with --sweep: ends with the first cell that finds the mutant out')
    .option('--jobs <n>', 'with --sweep: threads that play', parseJobs, Math.min(4, availableParallelism()))
    .option('--only <ids>', 'some mutants, with commas')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', HELP)
    .action(mutants);
}

const HELP = `
With --sweep whole families of attacks strike at every step of a scenario made for sweeping, once at the sound engine and
once at the broken one. A cell counts where the broken one fails and the sound one survives.

Examples:
  backlot mutants                                        each against the scenarios named for it
  backlot mutants --sweep --quick                        the first cell that finds each mistake out
  backlot mutants --sweep --only first-page-only --json  all cells, for programs
Exit codes: 0 every mutant was found out, 1 one survived, 2 wrong usage.`;

async function mutants(flags: MutantFlags): Promise<void> {
  checkFlags(flags);
  const isEveryOneFound = flags.sweep === true ? await sweepMutants(flags) : await playMutants(flags);
  process.exitCode = isEveryOneFound ? EXIT.ok : EXIT.findings;
}

function checkFlags({ sweep = false, all = false, quick = false, only }: MutantFlags): void {
  if (sweep && all)
    throw new CliError('usage', '--all plays scenarios and --sweep does not', 'Leave one of them out.');
  if (quick && !sweep) throw new CliError('usage', '--quick goes with --sweep', 'Add --sweep.');
  const known = sweep ? HUNTING_GROUNDS.map(({ mutant }) => mutant) : MUTANTS.map(({ id }) => id);
  const stranger = only?.split(',').find((id) => !known.includes(id));
  if (stranger === undefined) return;
  const advice = sweep ? `Choose ${known.join(', ')}.` : 'Try "backlot list mutants".';
  throw new CliError('usage', `no mutant${sweep ? ' of the sweep' : ''} is called ${stranger}`, advice);
}

const isMeant = ({ only }: MutantFlags, id: string): boolean => only?.split(',').includes(id) ?? true;

function sweepMutants(flags: MutantFlags): Promise<boolean> {
  return huntMutants({
    grounds: HUNTING_GROUNDS.filter(({ mutant }) => isMeant(flags, mutant)),
    seed: flags.seed,
    jobs: flags.jobs,
    isQuick: flags.quick === true,
    isJson: flags.json === true,
  });
}

async function playMutants(flags: MutantFlags): Promise<boolean> {
  await using simulator = await createSimulator();
  const verdicts = await runMutants({
    simulator,
    scenarios: shippedScenarios(),
    mutants: MUTANTS.filter(({ id }) => isMeant(flags, id)),
    seed: flags.seed,
    isThorough: flags.all === true,
    onVerdict: flags.json === true ? () => undefined : showVerdict,
  });
  const survivors = verdicts.filter(({ killedBy }) => killedBy.length === 0);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify({ mutants: verdicts })}\n`
      : `\n${verdicts.length - survivors.length} of ${verdicts.length} mutants found out\n`,
  );
  return survivors.length === 0;
}

function showVerdict({ id, title, killedBy, rules, reasons }: MutantVerdict): void {
  const broken = rules.length === 0 ? '' : `; breaks ${rules.join(', ')}`;
  const fate =
    killedBy.length === 0 ? `SURVIVED ${reasons.join('; ')}` : `found out by ${killedBy.join(', ')}${broken}`;
  process.stdout.write(`${id.padEnd(28)} ${title}\n${' '.repeat(29)}${fate}\n`);
}

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

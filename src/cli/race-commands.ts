/** `backlot race`: every order in which racing calls can reach the platform, or one of them again. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Chooser, drawSchedule, followSchedule } from '../../harness/explore/chooser.ts';
import { everySchedule } from '../../harness/explore/every-schedule.ts';
import { explore, playUnder } from '../../harness/explore/explore.ts';
import type { PlayedSchedule, StageOptions } from '../../harness/explore/play-schedule.ts';
import { type RaceReport, reportRace, shortestFailure } from '../../harness/explore/race-report.ts';
import { limitsOf, type Race, RACES } from '../../harness/explore/races.ts';
import {
  formatSchedule,
  parseSchedule,
  type ScheduledStep,
  ScheduleInvalid,
} from '../../harness/explore/schedule.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { renderFailure, renderRace, renderSchedule } from '../../harness/report/race.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { CliError, EXIT } from './cli-error.ts';
import { chooseScenarios } from './scenario-folder.ts';

interface RaceFlags {
  readonly seed: string;
  readonly exhaustive?: boolean;
  readonly explore?: number;
  readonly schedule?: readonly ScheduledStep[];
  readonly mutant?: string;
  readonly powerCut?: boolean;
  readonly json?: boolean;
}

export function registerRaceCommands(program: Command): void {
  program
    .command('race')
    .description('play racing HotAdd calls in every order and distance, in virtual time, and judge each run')
    .argument('[race...]', `${RACES.map(({ id }) => id).join(', ')}; or a scenario with steps side by side`)
    .option('--exhaustive', 'also mirrored schedules and moments that are left out otherwise (minutes)')
    .option('--explore <n>', 'so many schedules drawn from the seed, in place of all', parseCount)
    .option('--schedule <text>', 'one schedule, as a failure prints it', readSchedule)
    .option('--mutant <id>', 'with a broken engine or platform (see "backlot list mutants")')
    .option('--power-cut', 'for a scenario: an operator cuts the power of its first proxy at any moment')
    .option('--seed <text>', 'seed of the runs; the same seed and schedule give the same journal', '1')
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', HELP)
    .action(race);
}

const HELP = `
A schedule names who calls (A: the job on the first server, P: an operator) and what: + adds disks, - removes them,
. takes the lock, on and off switch the proxy. Between two steps: = in the same millisecond, ~ while the task before
runs, : in the millisecond in which it ends, ^ in mid-read, / when all who can have come.

Examples:
  backlot race                                        every race with the reference engine
  backlot race --mutant hotadd-without-queue          ends in the race error, shown as a timeline
  backlot race two-engines --schedule 'A+=B+/B+/A-/B-'   one schedule again
  backlot race S044 --explore 50 --seed 7             a scenario, 50 schedules drawn from a seed
Exit codes: 0 all schedules are right, 1 one fails or can not be played, 2 wrong usage, 70 internal error.`;

/** One race with all that it takes to play it. */
interface Plan {
  readonly race: Race;
  readonly stage: StageOptions;
}

async function race(words: string[], flags: RaceFlags): Promise<void> {
  await using simulator = await createSimulator();
  const plans = racesNamed(words, flags).map((chosen) => planRace(simulator, chosen, flags));
  if (flags.schedule !== undefined) return playOne(plans, flags.schedule, flags);
  const reports: RaceReport[] = [];
  for (const plan of plans) {
    const report = await exploreRace(plan, flags);
    reports.push(report);
    if (flags.json !== true) process.stdout.write(`${renderRace(report)}\n`);
    // A broken engine has been found out; the other races would only say so again.
    if (report.failures.length > 0 && flags.exhaustive !== true) break;
  }
  const failed = reports.find(({ failures }) => failures.length > 0);
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ seed: flags.seed, races: reports })}\n`);
  else if (failed !== undefined) await showFailure(plans, failed, flags);
  process.exitCode = isSound(reports) ? EXIT.ok : EXIT.findings;
}

/** A race in which nothing was held at the gate proves nothing. */
function isSound(reports: readonly RaceReport[]): boolean {
  return reports.every(({ failures, longestSchedule }) => failures.length === 0 && longestSchedule !== '');
}

function racesNamed(words: readonly string[], flags: RaceFlags): readonly Race[] {
  if (words.length === 0)
    return flags.schedule === undefined ? RACES : RACES.filter(({ id }) => id === 'two-engines');
  return words.flatMap((word) => {
    const known = RACES.filter(({ id }) => id === word);
    return known.length > 0
      ? known
      : chooseScenarios([word]).map((scenario) => adHocRace(scenario, word, flags));
  });
}

function adHocRace({ id, title }: Scenario, scenario: string, { powerCut = false }: RaceFlags): Race {
  const isWhole = scenario.endsWith('.yaml');
  return { id, title, scenario: isWhole ? scenario : id, held: ['+', '-'], hasPowerCut: powerCut };
}

function planRace(simulator: Simulator, chosen: Race, flags: RaceFlags): Plan {
  const mutant = MUTANTS.find(({ id }) => id === flags.mutant);
  if (flags.mutant !== undefined && mutant === undefined)
    throw new CliError('usage', `no mutant is called ${flags.mutant}`, 'Try "backlot list mutants".');
  const [scenario] = chooseScenarios([chosen.scenario]);
  if (scenario === undefined) throw new CliError('environment', `scenario ${chosen.scenario} is missing`);
  const stage = {
    simulator,
    scenario,
    transport: scenario.engines?.[0] ?? 'hotadd',
    seed: flags.seed,
    held: chosen.held,
    hasPowerCut: chosen.hasPowerCut,
    ...(mutant === undefined ? {} : { seams: mutant.seams }),
  } satisfies StageOptions;
  return { race: chosen, stage };
}

async function exploreRace({ race: explored, stage }: Plan, flags: RaceFlags): Promise<RaceReport> {
  const choosers = choosersOf(explored, flags);
  let failures = 0;
  const onRun = ({ failure }: PlayedSchedule): boolean =>
    failure === undefined || ++failures < ENOUGH_FAILURES || flags.exhaustive === true;
  return reportRace(explored, stage.scenario.id, await explore({ ...stage, choosers, onRun }));
}

/** So many schedules that fail have a short one among them. */
const ENOUGH_FAILURES = 10;

function choosersOf(
  chosen: Race,
  { seed, explore: count, exhaustive = false }: RaceFlags,
): Iterable<Chooser> {
  if (count === undefined) return everySchedule(limitsOf(chosen, exhaustive));
  return Array.from({ length: count }, (_, at) => drawSchedule(`${seed}/${chosen.id}/${at}`));
}

/** Plays the shortest failing schedule again, for its timeline. */
async function showFailure(plans: readonly Plan[], failed: RaceReport, flags: RaceFlags): Promise<void> {
  const plan = plans.find((candidate) => candidate.race.id === failed.race);
  const failure = shortestFailure(failed);
  if (plan === undefined || failure === undefined) return;
  if (failure.schedule === '') {
    process.stdout.write(`\nIt fails before anything races:\n${renderFailure(failure)}\n`);
    return;
  }
  const played = await playUnder(plan.stage, followSchedule(parseSchedule(failure.schedule)));
  process.stdout.write(
    `\nThe shortest of the ${failed.failures.length} that fail:\n${renderFailure(failure)}\n\n` +
      `${renderSchedule(played, columns())}\n\nRepeat it:\n  ${commandOf(plan, failure.schedule, flags)}\n`,
  );
}

async function playOne(
  [plan]: readonly Plan[],
  steps: readonly ScheduledStep[],
  flags: RaceFlags,
): Promise<void> {
  if (plan === undefined) throw new CliError('usage', 'there is no race to play the schedule in');
  const follower = followSchedule(steps);
  const played = await playUnder(plan.stage, follower);
  const left = formatSchedule(follower.remaining());
  const { schedule, failure, record } = played;
  const isFeasible = left === '';
  if (flags.json === true)
    process.stdout.write(
      `${JSON.stringify({ race: plan.race.id, schedule, isFeasible, failure, journalHash: record.journalHash })}\n`,
    );
  else {
    const verdict = failure === undefined ? 'all right' : `FAILED ${failure}`;
    const gap = isFeasible ? '' : `\nNot feasible: ${left} could not follow; played instead: ${schedule}`;
    process.stdout.write(
      `${renderSchedule(played, columns())}\n\n${verdict}${gap}\njournal ${record.journalHash}\n`,
    );
  }
  process.exitCode = failure === undefined && isFeasible ? EXIT.ok : EXIT.findings;
}

function commandOf({ race: { id, scenario }, stage }: Plan, schedule: string, flags: RaceFlags): string {
  const isNamed = RACES.some((known) => known.id === id);
  return [
    'backlot race',
    isNamed ? id : scenario,
    ...(flags.mutant === undefined ? [] : ['--mutant', flags.mutant]),
    ...(!isNamed && stage.hasPowerCut ? ['--power-cut'] : []),
    '--seed',
    flags.seed,
    `--schedule '${schedule}'`,
  ].join(' ');
}

/** The lanes are readable from 100 columns on; a wide terminal gets more. */
function columns(): number {
  return Math.min(Math.max(process.stdout.columns ?? 110, 100), 160);
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

function readSchedule(text: string): readonly ScheduledStep[] {
  try {
    return parseSchedule(text);
  } catch (error) {
    if (error instanceof ScheduleInvalid) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

/** `backlot race`: every order in which racing calls can reach the platform, or one of them again. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError } from 'commander';
import { followSchedule } from '../../harness/explore/chooser.ts';
import { playUnder } from '../../harness/explore/explore.ts';
import { type RaceReport, shortestFailure } from '../../harness/explore/race-report.ts';
import { type RaceTask, stageOf } from '../../harness/explore/race-task.ts';
import { type Race, RACES } from '../../harness/explore/races.ts';
import {
  formatSchedule,
  parseSchedule,
  type ScheduledStep,
  ScheduleInvalid,
} from '../../harness/explore/schedule.ts';
import { firstProxy } from '../../harness/explore/with-power-cut.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { renderFailure, renderRace, renderSchedule } from '../../harness/report/race.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { CliError, EXIT } from './cli-error.ts';
import { exploreRaces } from './race-lanes.ts';
import { chooseScenarios, shippedScenarios } from './scenario-folder.ts';

interface RaceFlags {
  readonly seed: string;
  readonly exhaustive?: boolean;
  readonly explore?: number;
  readonly schedule?: readonly ScheduledStep[];
  readonly mutant?: string;
  readonly powerCut?: boolean;
  readonly jobs: number;
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
    .option('--jobs <n>', 'threads that explore races', parseCount, Math.min(4, availableParallelism()))
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

async function race(words: string[], flags: RaceFlags): Promise<void> {
  const tasks = planRaces(words, flags);
  await using simulator = await createSimulator();
  if (flags.schedule === undefined) await exploreAll(simulator, tasks, flags);
  else await playOne(simulator, tasks, flags.schedule, flags);
}

function planRaces(words: readonly string[], flags: RaceFlags): readonly RaceTask[] {
  if (flags.mutant !== undefined && !MUTANTS.some(({ id }) => id === flags.mutant))
    throw new CliError('usage', `no mutant is called ${flags.mutant}`, 'Try "backlot list mutants".');
  const shipped = shippedScenarios();
  // A schedule alone is one of two engines: theirs are the letters that everybody thinks of first.
  const everything = flags.schedule === undefined ? RACES : RACES.filter(({ id }) => id === 'two-engines');
  const named = words.flatMap((word) => racesCalled(word, flags));
  const chosen: readonly ChosenRace[] =
    named.length > 0 ? named : everything.map((known) => ({ race: known }));
  return chosen.map(({ race: known, scenario = shipped.find(({ id }) => id.startsWith(known.scenario)) }) => {
    if (scenario === undefined) throw new CliError('environment', `scenario ${known.scenario} is missing`);
    return taskOf(known, scenario, flags);
  });
}

/** `scenario`: where it is another than the race names. */
interface ChosenRace {
  readonly race: Race;
  readonly scenario?: Scenario;
}

function racesCalled(word: string, { powerCut = false }: RaceFlags): readonly ChosenRace[] {
  const known = RACES.filter(({ id }) => id === word);
  if (known.length > 0) return known.map((one) => ({ race: one }));
  return chooseScenarios([word]).map((scenario) => {
    if (!scenario.steps.some(({ together }) => together !== undefined))
      throw new CliError('usage', `${scenario.id} has no steps side by side, so nothing can race in it`);
    const name = word.endsWith('.yaml') ? word : scenario.id;
    const held = ['+', '-'] as const;
    return {
      race: { id: name, title: scenario.title, scenario: name, held, hasPowerCut: powerCut },
      scenario,
    };
  });
}

function taskOf(known: Race, scenario: Scenario, flags: RaceFlags): RaceTask {
  if (flags.powerCut === true && firstProxy(scenario) === undefined)
    throw new CliError('usage', `${scenario.id} has no proxy whose power could be cut`);
  return {
    race: known,
    scenario,
    seed: flags.seed,
    isExhaustive: flags.exhaustive === true,
    ...(flags.mutant === undefined ? {} : { mutant: flags.mutant }),
    ...(flags.explore === undefined ? {} : { draws: flags.explore }),
  };
}

async function exploreAll(simulator: Simulator, tasks: readonly RaceTask[], flags: RaceFlags): Promise<void> {
  const reports: RaceReport[] = [];
  await exploreRaces(simulator, tasks, flags.jobs, (report) => {
    reports.push(report);
    if (flags.json !== true) process.stdout.write(`${renderRace(report)}\n`);
    // Something has been found out; the other races would only say so again.
    return report.failures.length === 0 || flags.exhaustive === true;
  });
  const failed = reports.find(({ failures }) => failures.length > 0);
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ seed: flags.seed, races: reports })}\n`);
  else if (failed !== undefined) await showFailure(simulator, tasks, failed);
  process.exitCode = isSound(reports) ? EXIT.ok : EXIT.findings;
}

/** A race in which nothing was held at the gate proves nothing. */
function isSound(reports: readonly RaceReport[]): boolean {
  return reports.every(({ failures, longestSchedule }) => failures.length === 0 && longestSchedule !== '');
}

/** Plays the shortest failing schedule again, for its timeline. */
async function showFailure(
  simulator: Simulator,
  tasks: readonly RaceTask[],
  failed: RaceReport,
): Promise<void> {
  const task = tasks.find((candidate) => candidate.race.id === failed.race);
  const failure = shortestFailure(failed);
  if (task === undefined || failure === undefined) return;
  if (failure.schedule === '') {
    process.stdout.write(`\nIt fails before anything races:\n${renderFailure(failure)}\n`);
    return;
  }
  const played = await playUnder(stageOf(simulator, task), followSchedule(parseSchedule(failure.schedule)));
  process.stdout.write(
    `\nThe shortest of the ${failed.failures.length} that fail:\n${renderFailure(failure)}\n\n` +
      `${renderSchedule(played, columns())}\n\nRepeat it:\n  ${commandOf(task, failure.schedule)}\n`,
  );
}

async function playOne(
  simulator: Simulator,
  [task]: readonly RaceTask[],
  steps: readonly ScheduledStep[],
  flags: RaceFlags,
): Promise<void> {
  if (task === undefined) throw new CliError('usage', 'there is no race to play the schedule in');
  const follower = followSchedule(steps);
  const played = await playUnder(stageOf(simulator, task), follower);
  const left = formatSchedule(follower.remaining());
  const { schedule, failure, record } = played;
  const isFeasible = left === '';
  if (flags.json === true) {
    const answer = { race: task.race.id, schedule, isFeasible, failure, journalHash: record.journalHash };
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  } else {
    const verdict = failure === undefined ? 'all right' : `FAILED ${failure}`;
    const gap = isFeasible ? '' : `\nNot feasible: ${left} could not follow; played instead: ${schedule}`;
    process.stdout.write(
      `${renderSchedule(played, columns())}\n\n${verdict}${gap}\njournal ${record.journalHash}\n`,
    );
  }
  process.exitCode = failure === undefined && isFeasible ? EXIT.ok : EXIT.findings;
}

function commandOf({ race: known, mutant, seed }: RaceTask, schedule: string): string {
  const isNamed = RACES.some(({ id }) => id === known.id);
  return [
    'backlot race',
    known.id,
    ...(mutant === undefined ? [] : ['--mutant', mutant]),
    ...(!isNamed && known.hasPowerCut ? ['--power-cut'] : []),
    '--seed',
    seed,
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

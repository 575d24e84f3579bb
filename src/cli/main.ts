#!/usr/bin/env node
/** `backlot`: finds the command, loads only its module, runs it, and turns whatever goes wrong into an exit code. */
import { enableCompileCache } from 'node:module';
import { Command, CommanderError } from 'commander';
import { CliError, EXIT } from './cli-error.ts';
import { packageVersion } from './package-version.ts';

// Compiling the dependencies is most of the start-up; the second start reads the compiled code.
enableCompileCache();

/** Adds one or more commands to the program. */
type Register = (program: Command) => void;

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Register>;
}

const harness = async (): Promise<Register> => (await import('./run-commands.ts')).registerRunCommands;
const rules = async (): Promise<Register> => (await import('./rule-commands.ts')).registerRuleCommands;
const engine = async (): Promise<Register> => (await import('./backup-commands.ts')).registerBackupCommands;

const COMMANDS: Readonly<Record<string, Entry>> = {
  run: { summary: 'run scenarios with the reference engines, in process and in virtual time', load: harness },
  mutants: {
    summary: 'show that broken engines and simulators are caught',
    load: async () => (await import('./mutant-commands.ts')).registerMutantCommands,
  },
  race: {
    summary: 'play racing HotAdd calls in every order, and one order again as a timeline',
    load: async () => (await import('./race-commands.ts')).registerRaceCommands,
  },
  sweep: {
    summary: 'play scenarios with every fault at every one of their steps',
    load: async () => (await import('./sweep-commands.ts')).registerSweepCommands,
  },
  swarm: {
    summary: 'play busy worlds under random attacks, all drawn from seeds',
    load: async () => (await import('./swarm-commands.ts')).registerSwarmCommands,
  },
  replay: {
    summary: 'play one run again, byte for byte, and show it as a timeline',
    load: async () => (await import('./replay-commands.ts')).registerReplayCommands,
  },
  shrink: {
    summary: 'make a failing scenario as small as it can be',
    load: async () => (await import('./replay-commands.ts')).registerReplayCommands,
  },
  report: {
    summary: 'show a report.json again, or turn it into its other forms',
    load: async () => (await import('./report-commands.ts')).registerReportCommands,
  },
  judge: { summary: 'hold a recorded journal against all rules', load: rules },
  explain: { summary: 'print a rule in full, with an example of its violation', load: rules },
  list: { summary: 'list scenarios, rules, mutants, faults, endpoints', load: harness },
  watch: {
    summary: 'watch a product that is worked by hand, and judge it',
    load: async () => (await import('./watch-command.ts')).registerWatch,
  },
  probe: {
    summary: 'read a live SCP and tell where it differs from the simulator',
    load: async () => (await import('./probe-command.ts')).registerProbe,
  },
  record: {
    summary: 'record what a product asks of a live SCP, without names and secrets',
    load: async () => (await import('./record-command.ts')).registerRecord,
  },
  serve: {
    summary: 'run the simulator: REST, NBD and the control interface on loopback',
    load: async () => (await import('./serve.ts')).registerServe,
  },
  backup: { summary: 'back up a server of any SCP', load: engine },
  restore: { summary: 'restore a server to a new one or over an existing one', load: engine },
  unprotect: { summary: 'switch change tracking off for a server that is backed up no more', load: engine },
  cleanup: { summary: 'remove what a killed backup left on the platform', load: engine },
  points: { summary: 'list the restore points of a repository', load: engine },
  verify: { summary: 'check that restore points can be read back', load: engine },
  prune: { summary: 'remove old restore points and the data that only they need', load: engine },
  export: { summary: 'write a disk of a restore point to a raw or qcow2 file', load: engine },
  bench: {
    summary: 'measure start-up, worlds, NBD, backup and scenarios',
    load: async () => (await import('./bench-commands.ts')).registerBenchCommands,
  },
};

const HELP = `
Examples:
  backlot run                            every scenario with every engine; reports under reports/
  backlot serve                          start the simulator and print how to use it
  backlot serve --json --preset lab      for scripts: one line of JSON when ready
  backlot COMMAND --help                 options and examples of one command

Exit codes: 0 done, 1 findings, 2 wrong usage, 3 the environment does not allow it, 70 internal error.`;

async function main(given: readonly string[]): Promise<void> {
  // `backlot help serve` is `backlot serve --help`, whose module is the one to load.
  const argv = given[0] === 'help' && given[1] !== undefined ? [given[1], '--help'] : given;
  const program = new Command('backlot')
    .description(
      'A stand-in for a Sangfor SCP/HCI cluster, and the harness that proves a backup product on it.',
    )
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', HELP)
    .exitOverride();
  const name = argv[0] ?? '';
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) registerSummaries(program);
  else (await entry.load())(program);
  program.showHelpAfterError('Try "backlot --help".');
  for (const command of program.commands)
    command.exitOverride().showHelpAfterError(`Try "backlot ${command.name()} --help".`);
  await program.parseAsync([...argv], { from: 'user' });
}

/** For the overview only: nothing of a command is loaded to say what it is for. */
function registerSummaries(program: Command): void {
  for (const [name, { summary }] of Object.entries(COMMANDS)) program.command(name).description(summary);
}

/** Prints what is wrong where there is something to print, and says how the process ends. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof CliError) {
    process.stderr.write(
      `backlot: ${error.message}\n${error.advice === undefined ? '' : `${error.advice}\n`}`,
    );
    return error.exitCode;
  }
  process.stderr.write(`backlot: internal error\n${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT.internal;
}

// Whoever reads the output may have seen enough, like `head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.ok);
});

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = exitCodeOf(error);
}

/** `backlot bench`: measurements, each in turns with a peer where there is one. Prints numbers; never fails on them. */
import { cpus, totalmem } from 'node:os';
import type { Command } from 'commander';
import { benchBackup } from './bench/area-backup.ts';
import { benchChangedAreas } from './bench/area-changed-areas.ts';
import { benchHotAdd } from './bench/area-hotadd.ts';
import { benchNbdRead } from './bench/area-nbd.ts';
import { benchScenarios } from './bench/area-scenarios.ts';
import { benchStart, benchWorld } from './bench/area-start.ts';
import { benchSweep } from './bench/area-sweep.ts';
import { type BenchArea, type BenchContext, type BenchResult, BenchSkipped } from './bench/measure.ts';

const AREAS: Readonly<Record<string, BenchArea>> = {
  start: benchStart,
  world: benchWorld,
  cbt: benchChangedAreas,
  scenarios: benchScenarios,
  sweep: benchSweep,
  nbd: benchNbdRead,
  backup: benchBackup,
  hotadd: benchHotAdd,
};

export function registerBenchCommands(program: Command): void {
  program
    .command('bench')
    .description(
      'measure start-up, worlds, NBD, backup, HotAdd, changed areas, scenarios, a sweep; in turns with a peer if there is one',
    )
    .argument('[area...]', `which: ${Object.keys(AREAS).join(', ')} (all when left out)`)
    .option('--rounds <n>', 'counted rounds after one warm-up', Number, 5)
    .option('--json', 'one JSON document on standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  backlot bench\n  backlot bench nbd --rounds 7\n  backlot bench start world --json',
    )
    .action(bench);
}

async function bench(
  names: string[],
  options: { rounds: number; json?: boolean },
  command: Command,
): Promise<void> {
  const unknown = names.find((name) => AREAS[name] === undefined);
  if (unknown !== undefined)
    command.error(`error: there is no bench area "${unknown}"; use ${Object.keys(AREAS).join(', ')}`, {
      exitCode: 2,
    });
  if (!Number.isInteger(options.rounds) || options.rounds < 1)
    command.error('error: --rounds takes a whole number from 1', { exitCode: 2 });
  const results: BenchResult[] = [];
  const skipped: { area: string; because: string }[] = [];
  const context: BenchContext = {
    rounds: options.rounds,
    note: (text) => process.stderr.write(`${text}\n`),
    skip: (area, because) => skipped.push({ area, because }),
  };
  for (const area of names.length > 0 ? names : Object.keys(AREAS)) {
    try {
      results.push(...((await AREAS[area]?.(context)) ?? []));
    } catch (error) {
      if (!(error instanceof BenchSkipped)) throw error;
      skipped.push({ area, because: error.message });
    }
  }
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMib: Math.round(totalmem() / 2 ** 20),
    node: process.version,
  };
  process.stdout.write(
    options.json ? `${JSON.stringify({ machine, results, skipped })}\n` : table(machine, results, skipped),
  );
}

function table(
  machine: { cpu: string; cores: number; node: string },
  results: readonly BenchResult[],
  skipped: readonly { area: string; because: string }[],
): string {
  const rows = results.map((result) => [
    result.area,
    result.name,
    `${short(result.value)} ${result.unit}`,
    result.peer === undefined ? '' : `${short(result.peerValue ?? 0)} ${result.unit} (${result.peer})`,
    result.ratio === undefined ? '' : result.ratio.toFixed(2),
    result.target === undefined ? '' : `${result.target} ${result.isReached ? 'reached' : 'MISSED'}`,
  ]);
  const all = [['area', 'what', 'median', 'peer', 'ratio', 'target'], ...rows];
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const notes = skipped.map(({ area, because }) => `${area}: skipped, ${because}`);
  return `${machine.cores} cores, ${machine.cpu}, Node ${machine.node}\n\n${[...lines, ...notes].join('\n')}\n`;
}

const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** `backlot replay` and `backlot shrink`: a failure again, byte for byte, and then as small as it gets. */
import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { type PlayedAgain, playAgain } from '../../harness/replay/play-again.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { type JournalEntry, toJsonLine } from '../kernel/journal.ts';
import { EXIT } from './cli-error.ts';
import { type Order, playCommand, type PlayFlags, readOrder, writeText } from './replay/play-order.ts';
import { describeRun, renderRun } from './replay/render-run.ts';
import { registerShrink } from './replay/shrink-command.ts';

interface ReplayFlags extends PlayFlags {
  readonly until?: (entry: JournalEntry) => boolean;
  readonly step?: boolean;
  readonly journal?: string;
}

export function registerReplayCommands(program: Command): void {
  registerReplay(program);
  registerShrink(program);
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
    flags.json === true ? `${JSON.stringify(describeRun(order, played))}\n` : renderRun(order, played),
  );
  process.exitCode = played.stopped !== undefined || isAsItShouldBe(order, played) ? EXIT.ok : EXIT.findings;
}

function isAsItShouldBe({ journalHash }: Order, { record }: PlayedAgain): boolean {
  const isSame = journalHash === undefined || journalHash === record.journalHash;
  return isSame && record.outcome === 'passed';
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

function parseUntil(text: string): (entry: JournalEntry) => boolean {
  if (/^\d+$/.test(text)) return ({ n }) => n === Number(text);
  return (entry) => JSON.stringify(entry).includes(text);
}

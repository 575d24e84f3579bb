/** `backlot watch`: a vendor works by hand in its own product, and the harness looks on and judges. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type Declaration, FileInvalid, parseDeclaration } from '../../harness/driver/declaration.ts';
import type { Capability } from '../../harness/driver/capabilities.ts';
import { buildReport, exitCodeOf } from '../../harness/report/report.ts';
import { buildInventory, buildSettings } from '../../harness/runner/build-world.ts';
import type { Finding, ScenarioResult } from '../../harness/runner/outcome.ts';
import { skipScenario } from '../../harness/runner/run-scenario.ts';
import { Story } from '../../harness/runner/story.ts';
import { renderEngineVerdict } from '../../harness/verdict/engine-verdict.ts';
import { WATCH_SCENARIO } from '../../harness/watch/watch-world.ts';
import { Watcher } from '../../harness/watch/watcher.ts';
import { type ClockMode, parseClockMode } from '../../simulator/control/clock-mode.ts';
import { DEFAULT_SETTINGS } from '../../simulator/domain/default-settings.ts';
import { CliError } from './cli-error.ts';
import { createDrivenJudge, dayOfToday, readWaivers } from './driven/driven-judge.ts';
import { openStageDoor } from './driven/driven-stage.ts';
import { unreadable } from './driven/engine-place.ts';
import { createStoryClock, toldScaleOf } from './driven/story-clocks.ts';
import { banner, namesOf, secretsOf } from './watch-banner.ts';
import { environmentOf } from './report-environment.ts';
import { writeReports } from './report-files.ts';

interface WatchFlags {
  readonly capabilities?: string;
  readonly waivers?: string;
  readonly clock: ClockMode;
  readonly report: string;
  readonly port: number;
  readonly hciPort: number;
  readonly nbdPort: number;
  readonly json?: boolean;
}

const LOOK_EVERY_MS = 300;

export function registerWatch(program: Command): void {
  program
    .command('watch')
    .description(
      'watch a product that is worked by hand: what it has shown, what it still has to show, a verdict',
    )
    .option('--capabilities <file>', 'what the product can do, as for run --engine')
    .option('--waivers <file>', 'rules that the product may break, and who has signed')
    .option(
      '--clock <mode>',
      'how the platform’s time goes: real, or x and a number such as x20',
      parseMode,
      'real' as ClockMode,
    )
    .option('--report <dir>', 'where report.json, junit.xml and report.html go', 'reports')
    .option('--port <n>', "port of SCP's API", parsePort, 4430)
    .option('--hci-port <n>', "port of HCI's API", parsePort, 4443)
    .option('--nbd-port <n>', "port of the hosts' NBD services", parsePort, 10_809)
    .option('--json', 'lines of JSON: addresses and credentials first, then what is seen, the verdict last')
    .addHelpText(
      'after',
      `
Examples:
  backlot watch
  backlot watch --capabilities backlot-engine.yaml --clock x20
Ends when all is seen, or with Ctrl-C.
Exit codes: 0 pass, 1 fail or incomplete, 2 wrong usage, 3 environment, 70 internal error.`,
    )
    .action(watch);
}

async function watch(flags: WatchFlags): Promise<void> {
  const declaration = flags.capabilities === undefined ? undefined : readDeclared(flags.capabilities);
  const waivers = readWaivers(flags.waivers);
  const stopped = stopSignal();
  const { port: scpPort, hciPort, nbdPort } = flags;
  await using door = await explain(() =>
    openStageDoor(toldScaleOf(flags.clock), { scpPort, hciPort, nbdPort }),
  );
  const { clock } = createStoryClock(flags.clock);
  const hosted = await door.simulator.createWorld({
    seed: 'watch',
    clock,
    inventory: buildInventory(WATCH_SCENARIO.world, 'watch'),
    settings: buildSettings(undefined, DEFAULT_SETTINGS),
  });
  await using stage = await door.openStage(hosted);
  const story = new Story({
    scenario: WATCH_SCENARIO,
    transport: 'nbd',
    seed: 'watch',
    simulator: door.simulator,
    hosted,
    clock,
    seams: {},
  });
  const capabilities = declaration && new Set<Capability>(declaration.capabilities);
  const show = (document: object, text: string): void => {
    process.stdout.write(flags.json === true ? `${JSON.stringify(document)}\n` : `${text}\n`);
  };
  const watcher = new Watcher({
    story,
    ...(capabilities === undefined ? {} : { capabilities }),
    tell: (line) => show({ type: 'line', line }, line),
  });
  await watcher.begin();
  const ready = { ...stage.platform, guestDir: stage.guestDir, ...secretsOf(story) };
  show({ type: 'ready', ...ready, servers: namesOf(story) }, banner(ready, namesOf(story)));
  const begunMs = performance.now();
  const isAllSeen = await lookUntil(watcher, story, stopped);
  // What is on its way, like connections that close, arrives before anything is judged.
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  const findings = watcher.conclude();
  const judge = createDrivenJudge({
    declaration: declaration ?? ANYBODY,
    waivers,
    today: dayOfToday(),
    playable: () => new Set(),
  });
  const [login] = hosted.world.credentials;
  const { entries } = hosted.world.journal;
  judge.see('watch', entries, login === undefined ? [] : [login.accessKey, login.username]);
  const result = resultOf(watcher, findings, isAllSeen, performance.now() - begunMs);
  const concluded = judge.conclude([result]);
  const report = buildReport({
    seed: 'watch',
    results: [result],
    durationMs: Math.round(performance.now() - begunMs),
    environment: environmentOf(`${declaration?.name ?? 'a product'}, watched`, flags.clock),
    commandOf: () => 'backlot watch',
    rules: concluded.rules,
    ...(declaration === undefined ? {} : { engine: concluded.engine }),
  });
  writeReports(flags.report, report, {});
  for (const { where, expected, actual } of findings)
    show({ type: 'finding', where, expected, actual }, `FOUND ${where}: expected ${expected}; got ${actual}`);
  const sentence = `Verdict: ${report.verdict.outcome}. ${report.verdict.sentence}`;
  const engine = declaration === undefined ? '' : `\n${renderEngineVerdict(concluded.engine)}`;
  const page = join(flags.report, 'report.html');
  show({ type: 'verdict', ...report.verdict, report: page }, `\n${sentence}${engine}\nReports: ${page}`);
  process.exitCode = exitCodeOf(report);
}

/** Judged like everybody; nothing that it shows is more than it has declared. */
const ANYBODY: Declaration = {
  name: 'a product',
  capabilities: ['nbd', 'nbdssl', 'hotadd', 'incremental', 'restore-new', 'restore-original', 'access-key'],
};

/** @returns whether all was seen, and not just stopped */
async function lookUntil(watcher: Watcher, story: Story, stopped: Promise<void>): Promise<boolean> {
  const stop = { isAsked: false };
  let seenAt = -1;
  void markWhen(stopped, stop);
  for (;;) {
    const { length } = story.world.journal;
    const items = length === seenAt ? undefined : await watcher.look();
    seenAt = length;
    if (items?.every(({ isSeen }) => isSeen) === true && watcher.isIdle) return true;
    if (stop.isAsked) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

async function markWhen(stopped: Promise<void>, stop: { isAsked: boolean }): Promise<void> {
  await stopped;
  stop.isAsked = true;
}

function resultOf(
  watcher: Watcher,
  findings: readonly Finding[],
  isAllSeen: boolean,
  durationMs: number,
): ScenarioResult {
  const missing = watcher.checklist().find(({ isSeen }) => !isSeen)?.text ?? 'more';
  const [first] = findings;
  const isProven = isAllSeen && watcher.comparedBytes > 0;
  return {
    ...skipScenario({ scenario: WATCH_SCENARIO, transport: 'nbd', guest: undefined }, ''),
    engine: 'watched',
    outcome: first !== undefined ? 'failed' : isProven ? 'passed' : 'inconclusive',
    reason:
      first !== undefined
        ? `${first.where}: expected ${first.expected}; got ${first.actual}`
        : isProven
          ? ''
          : `it was still to be seen: ${missing}`,
    findings,
    durationMs: Math.round(durationMs),
    comparedBytes: watcher.comparedBytes,
  };
}

function readDeclared(file: string): Declaration {
  try {
    return parseDeclaration(readFileSync(file, 'utf8'), file);
  } catch (error) {
    if (error instanceof FileInvalid)
      throw new CliError(
        'usage',
        `the declaration is not right:\n  ${error.problems.join('\n  ')}`,
        undefined,
        {
          cause: error,
        },
      );
    throw unreadable(file, error);
  }
}

async function explain<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CliError(
      'environment',
      `port ${(error as { port?: number }).port} is taken by another process`,
      'Choose others with --port, --hci-port and --nbd-port (0 takes a free one).',
      { cause: error },
    );
  }
}

/** Resolves at the first SIGINT or SIGTERM. A second one ends the process as it always would. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
  });
}

function parseMode(text: string): ClockMode {
  const mode = parseClockMode(text);
  if (mode === 'real' || mode?.startsWith('x') === true) return mode;
  throw new InvalidArgumentError('It must be real, or x and a number such as x20.');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port from 0 (any free one) to 65535.');
}

/** `backlot run` and `backlot list`: the harness on the command line. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { mutantDocument, rulesThatCatch } from '../../harness/mutants/mutant-document.ts';
import { MUTANTS } from '../../harness/mutants/mutants.ts';
import { MUSTS } from '../../harness/musts/musts.ts';
import { createProgress, type Progress } from '../../harness/report/progress.ts';
import { buildReport, exitCodeOf } from '../../harness/report/report.ts';
import { publishedReportSchema } from '../../harness/report/report-schema.ts';
import { renderTable } from '../../harness/report/table.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { faultDocument } from '../../harness/runner/fault-document.ts';
import { renderEngineVerdict } from '../../harness/verdict/engine-verdict.ts';
import { publishedVendorSchema, VENDOR_SCHEMA_NAMES } from '../../harness/verdict/vendor-schemas.ts';
import { RULES } from '../../harness/rules/catalogue.ts';
import { ruleDocument } from '../../harness/rules/rule-document.ts';
import { publishedSchema } from '../../harness/runner/published-schema.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import { type GuestsNode, planSuite, runSuite, type SuiteTask } from '../../harness/runner/run-suite.ts';
import { GUEST_LEVELS, type GuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import { FAULT_KIND_NAMES, kindRowOf } from '../../simulator/fault/fault-kinds.ts';
import { OPERATION_NAMES, operationOf } from '../contract/operations.ts';
import type { Transport } from '../engine/engine-api.ts';
import { CliError } from './cli-error.ts';
import { chooseDriven, type DrivenFlags } from './driven/choose-driven.ts';
import { openDrivenLanes } from './driven/open-driven-lanes.ts';
import { drivenCost } from '../../harness/runner/driven/driven-cost.ts';
import { journalSchema } from './recorded-journal.ts';
import { addLiveFlags, isLive, type LiveFlags } from './live-flags.ts';
import { addProxyMachineFlags, type ProxyMachineFlags, proxyMachineOf } from './proxy-machine-flags.ts';
import { environmentOf } from './report-environment.ts';
import {
  addReportFlags,
  describeComparison,
  readBaseline,
  type ReportFlags,
  withBaseline,
  writeReports,
} from './report-files.ts';
import { checkGuests } from './run-guests.ts';
import { chooseScenarios, shippedScenarios } from './scenario-folder.ts';
import { openLanes } from './suite-lanes.ts';
import { tallySuite } from './suite-musts.ts';

const ENGINES = ['nbd', 'nbdssl', 'hotadd'] as const satisfies readonly Transport[];

interface RunFlags extends ProxyMachineFlags, DrivenFlags, ReportFlags, LiveFlags {
  readonly engine?: readonly string[];
  readonly seed: string;
  readonly report: string;
  readonly jobs?: number;
  readonly guest?: GuestLevel;
  readonly mutant?: string;
  readonly json?: boolean;
}

export function registerRunCommands(program: Command): void {
  registerRun(program);
  registerList(program);
}

function registerRun(program: Command): void {
  const engine = new Option(
    '--engine <name...>',
    `${ENGINES.join(', ')} (all when left out); or an engine of yours: exec:FILE, http://...`,
  );
  const command = program
    .command('run')
    .description('run scenarios with the reference engines, in process and in virtual time')
    .argument('[scenario...]', 'ids, beginnings of ids, or files (all when left out)')
    .addOption(engine)
    .option('--seed <text>', 'seed of the run; the same seed gives the same journals', '1')
    .option('--report <dir>', 'where report.json, junit.xml and report.html go', 'reports')
    .option('--jobs <n>', 'scenarios that are played side by side (by the processors)', parseJobs)
    .addOption(
      new Option(
        '--guest <level>',
        'show hot-added disks outside of the process, once and in real time: sockets, files, devices, machines',
      ).choices(GUEST_LEVELS),
    )
    .option('--json', 'the report as one JSON document on standard output')
    .option('--mutant <id>', 'with a reference engine or a platform that is broken on purpose')
    .option('--capabilities <file>', 'what your engine can do (backlot-engine.yaml beside it)')
    .option('--quick', 'of the scenarios only the few that exercise every rule; with an engine of yours')
    .option('--waivers <file>', 'rules that your engine may break, and who has signed')
    .option('--time <mode>', "how fast the platform's time goes for your engine: real, manual, x60 (x20)")
    .option('--job-limit <seconds>', 'time that one job of your engine may take (60)', parseJobs)
    .addHelpText(
      'after',
      `
Examples:
  backlot run                                  every scenario with every engine
  backlot run S005 S01 --engine nbdssl         some scenarios, one engine
  backlot run ./my-scenario.yaml --seed 42     a scenario of your own
  backlot run S001 --engine hotadd --guest qemu   through a real virtual machine
  backlot run --engine exec:./my-engine        your engine, over real sockets
  backlot run --engine exec:./my-engine --quick   the few scenarios that exercise every rule
  backlot run --baseline last.json --summary   in CI: fail on what has become worse
  backlot run --target https://scp.example --vm test-07 --dry-run   a real SCP; docs/live.md first
Exit codes: 0 all passed, 1 findings (with a baseline: regressions), 2 wrong usage, 3 environment, 70 internal error.`,
    )
    .action(run);
  addReportFlags(command);
  addProxyMachineFlags(command);
  addLiveFlags(command);
}

async function run(words: string[], flags: RunFlags): Promise<void> {
  if (isLive(words, flags)) return (await import('./live-run.ts')).runAgainstLive(flags.target, flags);
  const named = chooseScenarios(words);
  const guests = guestsOf(flags);
  const driven = chooseDriven(flags);
  const scenarios = flags.quick === true && driven !== undefined ? quickOf(named, driven.quick()) : named;
  const baseline = readBaseline(flags);
  if (flags.mutant !== undefined) checkMutant(flags.mutant, driven !== undefined);
  const engines = driven?.transports ?? flags.engine ?? (guests === undefined ? ENGINES : ['hotadd']);
  if (driven === undefined) refuseUnknown(engines);
  if (guests !== undefined) await checkGuests(guests);
  const progress = progressOn(process.stderr);
  const chosen = ENGINES.filter((name) => engines.includes(name));
  const { mutant } = flags;
  const plan = (some: readonly Scenario[]): readonly SuiteTask[] =>
    planSuite(some, chosen, flags.seed, guests).map((task) => ({
      ...task,
      ...(mutant === undefined ? {} : { mutant }),
    }));
  const isQuick = flags.quick === true && driven !== undefined;
  const thin = isQuick ? driven.thin : (some: readonly SuiteTask[]) => some;
  const tasks = thin(plan(scenarios));
  // Starting a thread costs as much as half a dozen scenarios.
  const jobs = flags.jobs ?? usualJobs(driven !== undefined);
  const lanes =
    driven === undefined ? Math.min(jobs, Math.ceil(tasks.length / 6)) : Math.min(jobs, tasks.length);
  await using open = await (driven === undefined
    ? openLanes(lanes)
    : openDrivenLanes(driven.spec, lanes, driven.judge.witness));
  const begun = performance.now();
  const play = (some: readonly SuiteTask[]): Promise<readonly ScenarioResult[]> =>
    runSuite({
      tasks: some,
      lanes: open.lanes,
      ...(driven === undefined ? {} : { costOf: ({ scenario }) => drivenCost(scenario) }),
      onResult: (result, done, total) => progress.onResult(result, done, total),
    });
  const wanting = flags.quick === true ? driven?.judge.wanting : undefined;
  const results: ScenarioResult[] = [];
  // What the few have not shown, others may.
  for (let some = tasks; some.length > 0; some = thin(plan(quickOf(named, wanting?.(results) ?? []))))
    results.push(...(await play(some)));
  progress.end();
  const isWhole = words.length === 0 && chosen.length === ENGINES.length && driven === undefined;
  const tally = tallySuite(results, flags.seed, isWhole);
  const concluded = driven?.judge.conclude(results);
  const played = buildReport({
    seed: flags.seed,
    ...concluded,
    results: tally.results,
    sometimes: tally.sometimes,
    commandOf: (result) => repeatCommand(result, words, flags),
    durationMs: Math.round(performance.now() - begun),
    environment:
      driven === undefined
        ? environmentOf(
            `reference ${chosen.join(', ')}${mutant === undefined ? '' : `, mutant ${mutant}`}`,
            guests === undefined ? 'virtual' : 'real',
          )
        : environmentOf(driven.word, driven.spec.mode),
  });
  const report = withBaseline(played, baseline);
  writeReports(flags.report, report, flags);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else {
    const { comparison } = report;
    const changes = comparison === undefined ? '' : `${describeComparison(comparison)}\n`;
    const verdict = concluded === undefined ? '' : `${renderEngineVerdict(concluded.engine)}\n`;
    const page = join(flags.report, 'report.html');
    process.stdout.write(
      `${renderTable(report, process.stdout.isTTY)}\n${tally.text}${changes}${verdict}Reports: ${page}\n`,
    );
  }
  process.exitCode = exitCodeOf(report);
}

/** @throws CliError */
function checkMutant(id: string, isDriven: boolean): void {
  if (isDriven) throw new CliError('usage', '--mutant breaks reference engines only');
  if (!MUTANTS.some((mutant) => mutant.id === id))
    throw new CliError('usage', `no mutant is called ${id}`, 'Try "backlot list mutants".');
}

/** A scenario of the user's own is played from its file again. */
function repeatCommand(result: ScenarioResult, words: readonly string[], flags: RunFlags): string {
  const file = words.find(
    (word) => word.endsWith('.yaml') && chooseScenarios([word])[0]?.id === result.scenario,
  );
  const own = flags.engine?.filter((name) => !ENGINES.some((known) => known === name)) ?? [];
  const options = {
    engine: own[0] ?? result.engine,
    seed: flags.seed,
    guest: result.guest,
    mutant: flags.mutant,
    capabilities: flags.capabilities,
    time: flags.time,
  };
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellWord(value)}`],
  );
  return ['backlot run', shellWord(file ?? result.scenario), ...given].join(' ');
}

function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function quickOf(named: readonly Scenario[], quick: readonly string[]): readonly Scenario[] {
  return named.filter(({ id }) => quick.includes(id));
}

/** @throws CliError for a word that is neither a reference engine nor a place */
function refuseUnknown(engines: readonly string[]): void {
  const stranger = engines.find((name) => !ENGINES.some((known) => known === name));
  if (stranger === undefined) return;
  throw new CliError(
    'usage',
    `--engine ${stranger}: there is no such engine`,
    `Choose from ${ENGINES.join(', ')}, or name one of yours: exec:FILE or http://...`,
  );
}

/** @throws CliError for flags that don't go together */
function guestsOf(flags: RunFlags): GuestsNode | undefined {
  const { guest, engine } = flags;
  const machine = proxyMachineOf(flags, guest);
  if (guest === undefined) return undefined;
  if (engine !== undefined && !engine.includes('hotadd'))
    throw new CliError('usage', '--guest concerns the engine hotadd only', 'Add --engine hotadd.');
  return { level: guest, ...machine };
}

/** Engines of others spend most of their time waiting. */
function usualJobs(isDriven: boolean): number {
  return isDriven ? Math.min(8, 2 * availableParallelism()) : Math.min(4, availableParallelism());
}

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1) return jobs;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

function progressOn(stream: NodeJS.WriteStream): Progress {
  return createProgress({
    isTerminal: stream.isTTY && process.env['CI'] === undefined,
    columns: stream.columns ?? 80,
    write: (text) => stream.write(text),
  });
}

interface Listed {
  readonly id: string;
  readonly what: string;
  readonly [detail: string]: unknown;
}

const LISTS = {
  scenarios: () =>
    shippedScenarios().map(({ id, title, stories = [], rule, engines = ENGINES }) => ({
      id,
      what: title,
      stories,
      rule,
      engines,
    })),
  mutants: () =>
    MUTANTS.map((mutant) => {
      const { id, title, breaks, killers } = mutant;
      return { id, what: title, breaks, killers, rules: rulesThatCatch(mutant) };
    }),
  rules: () => RULES.map((rule) => ({ ...rule, what: rule.title })),
  musts: () => MUSTS.map(({ id, title }) => ({ id, what: title })),
  faults: () =>
    FAULT_KIND_NAMES.map((id) => {
      const { what, model, places, fields } = kindRowOf(id);
      return { id, what, model, places, fields: Object.keys(fields) };
    }),
  endpoints: () =>
    OPERATION_NAMES.map((id) => {
      const { method, paths, summary, fidelity, source } = operationOf(id);
      return { id, what: `${method} ${paths[0]}`, summary, paths, fidelity, source };
    }),
} satisfies Record<string, () => readonly Listed[]>;

const SCHEMAS: Readonly<Record<string, () => string>> = {
  scenario: publishedSchema,
  report: publishedReportSchema,
  journal: journalSchema,
  ...Object.fromEntries(VENDOR_SCHEMA_NAMES.map((name) => [name, () => publishedVendorSchema(name)])),
};

const DOCUMENTS: Readonly<Record<string, () => string>> = {
  faults: faultDocument,
  rules: ruleDocument,
  mutants: mutantDocument,
};

/** What is written as it is; `undefined` for lists. */
function documentOf(what: string, of: string, isMarkdown: boolean): string | undefined {
  if (what === 'schema') {
    const schema = Object.hasOwn(SCHEMAS, of) ? SCHEMAS[of] : undefined;
    if (schema === undefined)
      throw new CliError(
        'usage',
        `there is no schema of ${of}`,
        `Choose ${Object.keys(SCHEMAS).join(', ')}.`,
      );
    return schema();
  }
  if (!isMarkdown) return undefined;
  const document = Object.hasOwn(DOCUMENTS, what) ? DOCUMENTS[what] : undefined;
  if (document !== undefined) return document();
  throw new CliError(
    'usage',
    `there is no document of ${what}`,
    `Choose ${Object.keys(DOCUMENTS).join(', ')}.`,
  );
}

function registerList(program: Command): void {
  const names = Object.keys(LISTS);
  program
    .command('list')
    .description('show what there is: scenarios, rules, mutants, musts, faults, endpoints')
    .argument('<what>', `${names.join(', ')}; or schema, a JSON Schema`)
    .argument('[of]', `whose schema: ${Object.keys(SCHEMAS).join(', ')}`, 'scenario')
    .option('--json', 'one JSON document on standard output')
    .option('--markdown', 'of faults, rules, mutants: all of it as a document')
    .addHelpText(
      'after',
      '\nExamples:\n  backlot list scenarios\n  backlot list faults --json\n  backlot list schema report',
    )
    .action((what: string, of: string, flags: { json?: boolean; markdown?: boolean }) => {
      const document = documentOf(what, of, flags.markdown === true);
      if (document !== undefined) {
        process.stdout.write(document);
        return;
      }
      const items = listOf(what);
      const width = Math.max(...items.map(({ id }) => id.length));
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify({ [what]: items })}\n`
          : `${items.map((item) => `${item.id.padEnd(width)}  ${item.what}`).join('\n')}\n`,
      );
    });
}

function listOf(what: string): readonly Listed[] {
  for (const [name, list] of Object.entries(LISTS)) if (name === what) return list();
  throw new CliError(
    'usage',
    `there is no list of ${what}`,
    `Choose ${Object.keys(LISTS).join(', ')} or schema.`,
  );
}

/** `backlot run --target URL --profile live`: the reference engines against a platform that is not the simulator. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createReadingClient, type LiveAccess } from '../../harness/live/live-client.ts';
import { type PlannedJob, planLiveRun } from '../../harness/live/live-plan.ts';
import type { LiveSettings } from '../../harness/live/live-settings.ts';
import { runLive } from '../../harness/live/run-live.ts';
import { findServers, type ServerChoice } from '../../harness/live/choose-servers.ts';
import { buildReport, exitCodeOf, type Report } from '../../harness/report/report.ts';
import { reportRules } from '../../harness/report/reported-rule.ts';
import { renderTable } from '../../harness/report/table.ts';
import { RULES } from '../../harness/rules/catalogue.ts';
import { judgeRules } from '../../harness/rules/judge-rules.ts';
import type { RuleId } from '../../harness/rules/rule-api.ts';
import { observe } from '../../harness/rules/observe.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import type { Transport } from '../engine/engine-api.ts';
import { Journal, toJsonLine } from '../kernel/journal.ts';
import { dialTcp } from '../runtime/nbd-dial.ts';
import { CliError, EXIT } from './cli-error.ts';
import { checkGuestDir, connectGuestDir } from './backup/guest-dir.ts';
import { openRepository } from './backup/open-engine.ts';
import { explainFailure } from './backup/exit-code.ts';
import { openLiveAccess } from './live-access.ts';
import type { LiveFlags } from './live-flags.ts';
import { environmentOf } from './report-environment.ts';
import { readBaseline, withBaseline, writeReports } from './report-files.ts';

/** @throws CliError */
export async function runAgainstLive(target: string, flags: LiveFlags): Promise<void> {
  const settings = settingsOf(flags);
  const choice = choiceOf(flags);
  if (flags.dryRun !== true && flags.iConsentToChanges !== true) throw refusal(target, choice, settings);
  const baseline = readBaseline(flags);
  if (flags.guestDir !== undefined) await checkGuestDir(flags.guestDir, flags.proxy ?? []);
  await using open = await openLiveAccess(target, flags);
  try {
    const { access } = open;
    const reading = createReadingClient(access);
    const servers = await findServers(reading, access, choice);
    if (flags.dryRun === true) {
      showPlan(target, await planLiveRun(reading, settings, servers), flags);
      return;
    }
    const proxies = await findServers(reading, access, { names: flags.proxy ?? [], tags: [] });
    const report = await play({
      target,
      flags,
      settings,
      access,
      servers,
      proxies: proxies.map(({ id }) => id),
    });
    conclude(withBaseline(report, baseline), flags);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { message, hint, exitCode } = explainFailure(error);
    if (exitCode === EXIT.internal) throw error;
    throw new CliError(
      exitCode === EXIT.usage ? 'usage' : 'environment',
      message,
      hint.replace('--scp', 'the address'),
      { cause: error },
    );
  }
}

const ENGINES: readonly Transport[] = ['nbd', 'nbdssl', 'hotadd'];

function settingsOf(flags: LiveFlags): LiveSettings {
  const { engine, guestDir, proxy = [] } = flags;
  const stranger = engine?.find((name) => !ENGINES.some((known) => known === name));
  if (stranger !== undefined)
    throw new CliError(
      'usage',
      `--engine ${stranger}: only reference engines run live`,
      `Choose ${ENGINES.join(', ')}.`,
    );
  const wanted = engine ?? (guestDir === undefined ? ['nbdssl'] : ['nbdssl', 'hotadd']);
  if (wanted.includes('hotadd') && (guestDir === undefined || proxy.length === 0))
    throw new CliError(
      'usage',
      'hotadd needs a foot in the guest of a proxy, and a proxy that may be used',
      'Give --guest-dir and --proxy, or leave hotadd out with --engine nbdssl.',
    );
  return {
    tag: tagOf(flags.cleanUp),
    transports: ENGINES.filter((name) => wanted.includes(name)),
    restore: flags.restore === true,
    holdLock: flags.holdLock === true,
    leaveCbtAlone: flags.leaveCbtAlone === true,
    lockTimeSeconds: 600,
  };
}

/** A name of its own for each run; or that of an earlier one. */
function tagOf(earlier: string | undefined): string {
  if (earlier === undefined) return `live_${randomBytes(5).toString('hex')}`;
  if (/^live_[0-9a-f]{10}$/.test(earlier)) return earlier;
  throw new CliError(
    'usage',
    `--clean-up ${earlier}: no run has that name`,
    'Runs print theirs: live_0123456789.',
  );
}

function choiceOf({ vm = [], vmTag = [] }: LiveFlags): ServerChoice {
  if (vm.length + vmTag.length === 0)
    throw new CliError(
      'usage',
      'a live run touches only servers that you name',
      'Name them with --vm NAME, or with --vm-tag TAG. Servers that nobody would miss are best.',
    );
  return { names: vm, tags: vmTag };
}

/** Says what it would do from the options alone: without consent not a single call is made. */
function refusal(target: string, { names, tags }: ServerChoice, settings: LiveSettings): CliError {
  const whom = [...names, ...tags.map((tag) => `every server tagged ${tag}`)].join(', ');
  const { transports, restore, holdLock, leaveCbtAlone } = settings;
  const lines = [
    `nothing was done: a live run changes things on ${target}, and nobody has consented to that`,
    `For ${whom}, over ${transports.join(' and ')}, it would:`,
    ...(leaveCbtAlone
      ? []
      : ['  switch changed block tracking on where it is off, and off again at the end']),
    '  take a snapshot, lock the server, read all of its disks twice, unlock it, remove the snapshot',
    '  do the same once more, incrementally',
    ...(restore ? ['  make a new server from the backup, write its disks, read them back, delete it'] : []),
    ...(holdLock ? ['  take a snapshot and keep the server locked for three minutes'] : []),
  ];
  return new CliError(
    'usage',
    lines.join('\n'),
    'See every call first with --dry-run; then repeat the command with --i-consent-to-changes.',
  );
}

function showPlan(target: string, jobs: readonly PlannedJob[], flags: LiveFlags): void {
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify({ target, changes: false, jobs })}\n`);
    return;
  }
  const lines = jobs.flatMap(({ title, calls }) => [
    '',
    title,
    ...calls.map(({ method, path, body, isChange, times }) =>
      [
        `  ${isChange ? '!' : ' '} ${method.padEnd(6)} ${path}`,
        body === undefined ? '' : JSON.stringify(body),
        times === undefined ? '' : `(${times})`,
      ]
        .filter((part) => part !== '')
        .join('  '),
    ),
  ]);
  const changes = jobs.flatMap(({ calls }) => calls).filter(({ isChange }) => isChange).length;
  process.stdout.write(
    `${target}: nothing was changed. The run would make these calls; those with ! change something (${changes}).\n` +
      `${lines.join('\n')}\n`,
  );
}

interface Playing {
  readonly target: string;
  readonly flags: LiveFlags;
  readonly settings: LiveSettings;
  readonly access: LiveAccess;
  readonly servers: Awaited<ReturnType<typeof findServers>>;
  readonly proxies: readonly string[];
}

async function play({ target, flags, settings, access, servers, proxies }: Playing): Promise<Report> {
  const { clock } = access;
  const journal = new Journal({ now: () => clock.now() });
  const abort = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    process.stderr.write(`\n${signal}: releasing what the run holds; once more to stop at once\n`);
    abort.abort(new Error(`stopped by ${signal}`));
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  const begunMs = performance.now();
  const { guestDir } = flags;
  process.stderr.write(
    `run ${settings.tag} on ${target}; should it be killed, repeat the command with --clean-up ${settings.tag}\n`,
  );
  const results = await runLive({
    access,
    settings,
    servers,
    proxies,
    journal,
    environment: {
      dialNbd: (host, port, signal) => dialTcp(host, port)(signal),
      ...(guestDir === undefined ? {} : { connectProxy: connectGuestDir(guestDir, clock) }),
      repository: openRepository(flags.repo ?? join(flags.report, 'live-repository'), clock),
    },
    options: flags.nbdPort === undefined ? {} : { nbdPort: flags.nbdPort },
    onResult: ({ outcome, title }) => process.stderr.write(`${outcome.padEnd(12)} ${title}\n`),
    signal: abort.signal,
    onlyCleanUp: flags.cleanUp !== undefined,
  });
  process.off('SIGINT', stop).off('SIGTERM', stop);
  mkdirSync(flags.report, { recursive: true });
  writeFileSync(join(flags.report, 'live-journal.ndjson'), journal.entries.map(toJsonLine).join(''));
  const engine = `reference ${settings.transports.join(', ')}, live on ${target}`;
  return buildReport({
    seed: settings.tag,
    durationMs: Math.round(performance.now() - begunMs),
    environment: environmentOf(engine, 'real'),
    results,
    rules: rulesOf(journal, engine),
    commandOf: (result) => repeatCommand(target, result, flags),
  });
}

/** To prove an incremental, a live run reads also what has not changed. */
const READS_TWICE: readonly RuleId[] = ['DATA-4'];

function rulesOf(journal: Journal, engine: string) {
  const waived = new Set<RuleId>(READS_TWICE);
  const verdicts = judgeRules(observe(journal.entries), { rules: RULES, scenario: 'live', engine, waived });
  return reportRules(RULES, verdicts);
}

function repeatCommand(target: string, { engine }: ScenarioResult, flags: LiveFlags): string {
  const vms = (flags.vm ?? []).flatMap((name) => ['--vm', JSON.stringify(name)]);
  const tags = (flags.vmTag ?? []).flatMap((name) => ['--vm-tag', JSON.stringify(name)]);
  return [
    'backlot run --target',
    target,
    '--profile live --engine',
    engine,
    ...vms,
    ...tags,
    '--dry-run',
  ].join(' ');
}

function conclude(report: Report, flags: LiveFlags): void {
  writeReports(flags.report, report, flags);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(report)}\n`
      : `${renderTable(report, process.stdout.isTTY)}\nReports: ${join(flags.report, 'report.html')}\n`,
  );
  process.exitCode = exitCodeOf(report);
}

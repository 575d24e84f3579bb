/** The options of `backlot run` for a platform that is not the simulator. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError } from './cli-error.ts';
import type { AccessFlags } from './live-access.ts';
import type { ReportFlags } from './report-files.ts';

export interface LiveFlags extends AccessFlags, ReportFlags {
  readonly target?: string;
  readonly profile?: 'live';
  readonly vm?: readonly string[];
  readonly vmTag?: readonly string[];
  readonly engine?: readonly string[];
  readonly restore?: boolean;
  readonly holdLock?: boolean;
  readonly leaveCbtAlone?: boolean;
  readonly cleanUp?: string;
  readonly dryRun?: boolean;
  readonly iConsentToChanges?: boolean;
  readonly nbdPort?: number;
  readonly guestDir?: string;
  readonly proxy?: readonly string[];
  readonly repo?: string;
  readonly timeScale?: number;
  readonly report: string;
  readonly json?: boolean;
}

export function addLiveFlags(command: Command): void {
  const group = 'Against a live SCP (with --target):';
  const options = [
    new Option('--target <url>', 'a platform that is not the simulator, https://HOST'),
    new Option('--profile <name>', 'live: only what is safe there').choices(['live']),
    new Option('--vm <name>', 'a server that may be backed up, name or id; may be repeated').argParser(
      collect,
    ),
    new Option('--vm-tag <tag>', 'servers that bear this tag; may be repeated').argParser(collect),
    new Option('--dry-run', 'print every call that would be made; change nothing'),
    new Option(
      '--i-consent-to-changes',
      'snapshots, locks and, with --restore, servers may be made and removed',
    ),
    new Option('--restore', 'restore to a new server, read it back, remove it'),
    new Option('--hold-lock', 'hold a lock for three minutes by renewals'),
    new Option(
      '--clean-up <run>',
      'only remove what a run that was killed has left; with its --vm and --repo',
    ),
    new Option('--leave-cbt-alone', 'do not switch changed block tracking on where it is off'),
    new Option('--ca <file>', 'PEM file of the CA that signed the platform’s certificate'),
    new Option('--insecure', 'trust any certificate of the platform (not of the data path)'),
    new Option(
      '--credentials <file>',
      'JSON file with the secrets; else from the environment, as for backup',
    ),
    new Option('--nbd-port <n>', 'port of the data service on the hosts').argParser(positive),
    new Option('--guest-dir <dir>', 'hotadd: where the guests of proxies are seen; / inside of a proxy'),
    new Option('--proxy <name>', 'hotadd: a proxy that may be used; may be repeated').argParser(collect),
    new Option('--repo <dir>', 'repository of the run (live-repository in the folder of reports)'),
    new Option('--time-scale <n>', 'for a simulator whose time goes n times as fast')
      .argParser(positive)
      .hideHelp(),
  ];
  for (const option of options) command.addOption(option.helpGroup(group));
}

/**
 * Whether a live platform is meant.
 * @throws CliError for options of a live run without its target, and for scenarios of the simulator with it
 */
export function isLive<T extends LiveFlags>(
  words: readonly string[],
  flags: T,
): flags is T & { readonly target: string } {
  const { profile, vm, vmTag, dryRun, iConsentToChanges, restore, cleanUp } = flags;
  const isMeant = [profile, vm, vmTag, dryRun, iConsentToChanges, restore, cleanUp].some(
    (flag) => flag !== undefined,
  );
  if (flags.target === undefined && isMeant)
    throw new CliError(
      'usage',
      'these options are for a live platform, and none is named',
      'Add --target URL.',
    );
  if (flags.target !== undefined && words.length > 0)
    throw new CliError(
      'usage',
      `${words[0]}: scenarios of the simulator are not played on a live platform`,
      'Leave them out; the profile live has its own.',
    );
  return flags.target !== undefined;
}

function collect(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, text];
}

function positive(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

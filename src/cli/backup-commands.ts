/** `backlot backup | restore | unprotect | points | verify | prune | export | cleanup`: the reference engine on the command line. */
import { access, constants, mkdir, stat } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { EngineOptions, NetworkTransport, Transport } from '../engine/engine-api.ts';
import { exportQcow2 } from '../repository/export-qcow2.ts';
import { exportDisk } from '../repository/export-raw.ts';
import { createFileSink } from '../runtime/file-sink.ts';

import { openEngine, openRepository, type ScpOptions } from './backup/open-engine.ts';
import {
  renderBackup,
  renderCleanup,
  renderPoints,
  renderPrune,
  renderRestore,
  renderUnprotect,
  renderVerify,
} from './backup/render-result.ts';
import { runCommand } from './backup/run-command.ts';
import { formatBytes } from './backup/sizes.ts';
import { CliError, EXIT } from './cli-error.ts';

const SECRETS = `
Secrets never stand on the command line. They come from
  BACKLOT_ACCESS_KEY and BACKLOT_SECRET_KEY, or
  BACKLOT_USERNAME and BACKLOT_PASSWORD, or
  --credentials FILE with {"accessKey": "...", "secretKey": "..."} or {"username": "...", "password": "..."}

Exit codes: 0 done, 1 not done, 2 wrong use, 3 network, files or permissions, 70 a bug of backlot
`;

export function registerBackupCommands(program: Command): void {
  registerBackup(program);
  registerRestore(program);
  registerUnprotect(program);
  registerCleanup(program);
  registerPoints(program);
  registerVerify(program);
  registerPrune(program);
  registerExport(program);
}

interface JobOptions extends ScpOptions {
  readonly transport: Transport;
  readonly fallback?: NetworkTransport;
  readonly lockTime?: number;
  readonly connections?: number;
  readonly json?: boolean;
}

function scpCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .requiredOption('--scp <url>', 'the platform, https://HOST or https://HOST:PORT')
    .option('--ca <file>', 'PEM file of the CA that signed its certificate')
    .option('--insecure', 'trust any certificate of the platform (not of the data path)')
    .option('--credentials <file>', 'JSON file with the secrets; else they come from the environment')
    .option('--nbd-port <n>', 'port of the data service on the hosts', numberIn(1, 65_535))
    .requiredOption('--repo <dir>', 'folder of the repository')
    .option('--time-scale <n>', 'for a simulator whose time goes n times as fast', numberIn(1, 100_000))
    .option('--json', 'print the result as JSON');
}

function jobCommand(program: Command, name: string, description: string): Command {
  return scpCommand(program, name, description)
    .addOption(
      new Option(
        '--transport <mode>',
        'data path: over the network, plain or with TLS, or through a proxy VM',
      )
        .choices(['nbd', 'nbdssl', 'hotadd'])
        .default('nbdssl'),
    )
    .option('--guest-dir <dir>', 'hotadd: where the guests of proxies are seen; / inside of a proxy')
    .option('--proxy <name...>', 'hotadd: only these proxies (names or ids)')
    .addOption(
      new Option('--fallback <mode>', 'hotadd: what to use when no proxy serves').choices(['nbd', 'nbdssl']),
    )
    .option('--connections <n>', 'data connections per disk, 1 to 16', numberIn(1, 16))
    .option(
      '--lock-time <seconds>',
      'how long the platform keeps the lock without renewal, 60 to 7200',
      numberIn(60, 7200),
    );
}

function registerBackup(program: Command): void {
  interface Options extends JobOptions {
    readonly vm: string;
    readonly full?: boolean;
    readonly verify?: boolean;
    readonly leaveCbtAlone?: boolean;
  }
  jobCommand(program, 'backup', 'back up a server: incremental when that is possible, else full')
    .requiredOption('--vm <name>', 'name or id of the server')
    .option('--full', 'a full backup even where an incremental would do')
    .option('--verify', 'afterwards compare every byte with the snapshot')
    .option('--leave-cbt-alone', 'do not switch changed block tracking on; read all where it is off')
    .addHelpText(
      'after',
      `
Examples:
  backlot backup --scp https://scp.example.org --vm erp-01 --repo /backup
  backlot backup --scp https://127.0.0.1:4430 --ca ca.pem --vm erp-01 --transport nbd --repo /backup --json
  backlot backup --scp https://scp.example.org --vm erp-01 --repo /backup --transport hotadd \\
    --guest-dir / --proxy backup-proxy-1 --fallback nbdssl      (inside of the proxy backup-proxy-1)
${SECRETS}`,
    )
    .action((options: Options) =>
      runCommand(options, async ({ signal, onProgress, print }) => {
        checkProxyOptions(options);
        await mustBeWritable(options.repo);
        await using opened = await openEngine(options, engineOptions(options), onProgress);
        const { vm, transport, full = false } = options;
        const result = await opened.engine.backup({ server: vm, transport, full, signal });
        print(result, () => renderBackup(result));
        return undefined;
      }),
    );
}

/** Options without their transport would be silently without effect. */
function checkProxyOptions({ transport, guestDir, proxy, fallback }: JobOptions): void {
  if (transport === 'hotadd') {
    if (guestDir === undefined && fallback === undefined)
      throw new CliError(
        'usage',
        '--transport hotadd needs --guest-dir',
        'give the guestDir that backlot serve --json prints, or / inside of a proxy',
      );
    return;
  }
  if (guestDir !== undefined || proxy !== undefined || fallback !== undefined)
    throw new CliError('usage', '--guest-dir, --proxy and --fallback go with --transport hotadd only');
}

function engineOptions(
  options: JobOptions & { readonly verify?: boolean; readonly leaveCbtAlone?: boolean },
): EngineOptions {
  return {
    ...(options.connections === undefined ? {} : { connections: options.connections }),
    ...(options.fallback === undefined ? {} : { fallback: options.fallback }),
    ...(options.lockTime === undefined ? {} : { lockTimeSeconds: options.lockTime }),
    verify: options.verify ?? false,
    leaveCbtAlone: options.leaveCbtAlone ?? false,
  };
}

function registerRestore(program: Command): void {
  interface Options extends JobOptions {
    readonly point: string;
    readonly to: string;
    readonly name?: string;
    readonly differential?: boolean;
    readonly powerOn?: boolean;
  }
  jobCommand(program, 'restore', 'write a restore point to a new server, or over one that is off')
    .requiredOption('--point <id>', 'the restore point; see backlot points', pointId)
    .requiredOption('--to <target>', '"new", or the name or id of a server that is shut down')
    .option('--name <name>', 'name of the new server')
    .option('--differential', 'write only where the server differs from the point, if that can be told')
    .option('--power-on', 'start the server afterwards')
    .addHelpText(
      'after',
      `
Examples:
  backlot restore --scp https://scp.example.org --repo /backup --point 20260203T040506Z-1a2b3c4d --to new
  backlot restore --scp https://scp.example.org --repo /backup --point 20260203T040506Z-1a2b3c4d --to erp-01 --power-on
  backlot restore --scp https://scp.example.org --repo /backup --point 20260203T040506Z-1a2b3c4d --to erp-01 --differential
${SECRETS}`,
    )
    .action((options: Options) =>
      runCommand(options, async ({ signal, onProgress, print }) => {
        if (options.name !== undefined && options.to !== 'new')
          throw new CliError('usage', '--name goes with --to new only');
        if (options.differential && options.to === 'new')
          throw new CliError('usage', '--differential goes with an existing server only');
        checkProxyOptions(options);
        await mustBeRepository(options.repo);
        await using opened = await openEngine(options, engineOptions(options), onProgress);
        const { point: pointId, to, transport, powerOn = false, differential = false } = options;
        const newName = options.name === undefined ? {} : { newName: options.name };
        const job = { pointId, to, transport, powerOn, differential, signal, ...newName };
        const result = await opened.engine.restore(job);
        print(result, () => renderRestore(result));
        return undefined;
      }),
    );
}

function registerUnprotect(program: Command): void {
  interface Options extends ScpOptions {
    readonly vm: string;
    readonly force?: boolean;
    readonly json?: boolean;
  }
  scpCommand(program, 'unprotect', 'switch change tracking off for a server that is backed up no more')
    .requiredOption('--vm <name>', 'name or id of the server')
    .option('--force', 'also where tracking was on before the first backup')
    .addHelpText(
      'after',
      `
Tracking costs every write of the server. It goes off where "backlot backup" with this repository had switched it on;
what was on before may serve another product, and stays unless --force is given. Restore points stay. The next backup
switches tracking on again and is a full one.

Examples:
  backlot unprotect --scp https://scp.example.org --repo /backup --vm erp-01
  backlot unprotect --scp https://scp.example.org --repo /backup --vm erp-01 --force --json
${SECRETS}`,
    )
    .action((options: Options) =>
      runCommand(options, async ({ signal, onProgress, print }) => {
        await mustBeRepository(options.repo);
        await using opened = await openEngine(options, {}, onProgress);
        const { vm, force = false } = options;
        const result = await opened.engine.unprotect({ server: vm, force, signal });
        print(result, () => renderUnprotect(result));
        return undefined;
      }),
    );
}

function registerCleanup(program: Command): void {
  scpCommand(program, 'cleanup', 'remove what broken-off jobs of this repository left on the platform')
    .addHelpText(
      'after',
      `
Example:
  backlot cleanup --scp https://scp.example.org --repo /backup
${SECRETS}`,
    )
    .action((options: ScpOptions & { json?: boolean }) =>
      runCommand(options, async ({ onProgress, print }) => {
        await mustBeRepository(options.repo);
        await using opened = await openEngine(options, {}, onProgress);
        const result = await opened.engine.cleanup();
        print(result, () => renderCleanup(result));
        return result.warnings.length === 0 ? undefined : EXIT.findings;
      }),
    );
}

interface RepoOptions {
  readonly repo: string;
  readonly json?: boolean;
}

function repoCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .requiredOption('--repo <dir>', 'folder of the repository')
    .option('--json', 'print the result as JSON');
}

function registerPoints(program: Command): void {
  repoCommand(program, 'points', 'list the restore points of a repository')
    .option('--vm <name>', 'only those of this server (name or id)')
    .addHelpText('after', '\nExample:\n  backlot points --repo /backup --vm erp-01\n')
    .action((options: RepoOptions & { vm?: string }) =>
      runCommand(options, async ({ print }) => {
        await mustBeRepository(options.repo);
        const { vm } = options;
        const points = (await openRepository(options.repo).points()).filter(
          (point) => vm === undefined || point.serverName === vm || point.serverId === vm,
        );
        print({ points }, () => renderPoints(points));
        return undefined;
      }),
    );
}

function registerVerify(program: Command): void {
  repoCommand(program, 'verify', 'read every chunk of the restore points and compare it with its hash')
    .option('--point <id...>', 'only these points', pointIds)
    .addHelpText(
      'after',
      '\nExamples:\n  backlot verify --repo /backup\n  backlot verify --repo /backup --point 20260203T040506Z-1a2b3c4d\n',
    )
    .action((options: RepoOptions & { point?: string[] }) =>
      runCommand(options, async ({ print }) => {
        await mustBeRepository(options.repo);
        const report = await openRepository(options.repo).verify(options.point);
        print(report, () => renderVerify(report));
        const hasProblem = report.points.some((point) => point.problems.length > 0);
        return hasProblem ? EXIT.findings : undefined;
      }),
    );
}

function registerPrune(program: Command): void {
  repoCommand(program, 'prune', 'remove old restore points and the chunks that no point needs')
    .requiredOption(
      '--keep-last <n>',
      'how many points of every server stay',
      numberIn(1, Number.MAX_SAFE_INTEGER),
    )
    .addHelpText('after', '\nExample:\n  backlot prune --repo /backup --keep-last 14\n')
    .action((options: RepoOptions & { keepLast: number }) =>
      runCommand(options, async ({ print }) => {
        await mustBeRepository(options.repo);
        const report = await openRepository(options.repo).prune({ keepLast: options.keepLast });
        print(report, () => renderPrune(report));
        return undefined;
      }),
    );
}

function registerExport(program: Command): void {
  interface Options extends RepoOptions {
    readonly point: string;
    readonly disk: string;
    readonly format: 'raw' | 'qcow2';
  }
  repoCommand(program, 'export', 'write one disk of a restore point as an image file')
    .requiredOption('--point <id>', 'the restore point; see backlot points', pointId)
    .requiredOption('--disk <slot>', 'slot of the disk, such as ide0')
    .addOption(new Option('--format <format>', 'image format').choices(['raw', 'qcow2']).default('raw'))
    .argument('<out>', 'the file to write; it must not exist')
    .addHelpText(
      'after',
      '\nExample:\n  backlot export --repo /backup --point 20260203T040506Z-1a2b3c4d --disk ide0 --format qcow2 erp-01.qcow2\n',
    )
    .action((out: string, options: Options) =>
      runCommand(options, async ({ print }) => {
        await mustBeRepository(options.repo);
        const bytes = await exportTo(out, options);
        const result = { file: out, format: options.format, sizeBytes: bytes };
        print(result, () => `${out}: ${options.disk}, ${formatBytes(bytes)}, ${options.format}\n`);
        return undefined;
      }),
    );
}

/** Returns the size of the exported disk, bytes. */
async function exportTo(
  out: string,
  options: { repo: string; point: string; disk: string; format: 'raw' | 'qcow2' },
): Promise<number> {
  const reader = await openRepository(options.repo).open(options.point);
  const disk = reader.info.disks.find((known) => known.deviceId === options.disk);
  if (disk === undefined) {
    const slots = reader.info.disks.map((known) => known.deviceId).join(', ');
    throw new CliError(
      'usage',
      `restore point ${options.point} has no disk ${options.disk}; it has ${slots}`,
    );
  }
  await using sink = await createFileSink(out).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST'
      ? new CliError('usage', `${out} exists already; choose another name or remove it`)
      : new CliError('environment', `${out} cannot be written: ${error.code ?? error.message}`);
  });
  await (options.format === 'raw' ? exportDisk : exportQcow2)(reader, options.disk, sink);
  return disk.sizeBytes;
}

/** A mistyped folder must not look like an empty repository. */
async function mustBeRepository(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw new CliError('usage', `${folder} is no folder; give the one that backlot backup wrote to`);
}

/** Found out before anything is locked on the platform. */
async function mustBeWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const hint = 'give --repo a folder that you may write to';
    throw new CliError('environment', `${folder} cannot be the repository: ${code ?? message}`, hint);
  }
}

function numberIn(min: number, max: number): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  return (text) => {
    const number = Number(text);
    if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** Ids are parts of file names: what cannot be one is no path to try. */
function pointId(text: string): string {
  if (/^[\w-]+$/.test(text)) return text;
  throw new InvalidArgumentError('It must be an id that backlot points lists.');
}

const pointIds = (text: string, earlier: readonly string[] = []): readonly string[] => [
  ...earlier,
  pointId(text),
];

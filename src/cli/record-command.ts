/** `backlot record`: stands between a product and a live SCP, and writes a journal without names and secrets. */
import { randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { createCallRecorder } from '../../harness/live/call-recorder.ts';
import { createPseudonyms } from '../../harness/live/pseudonyms.ts';
import { Journal, toJsonLine } from '../kernel/journal.ts';
import { createWallClock } from '../runtime/wall-clock.ts';
import { CliError } from './cli-error.ts';
import { readCa } from './live-access.ts';
import { openLiveProxy } from './live-proxy.ts';

interface RecordFlags {
  readonly target: string;
  readonly listen: number;
  readonly host: string;
  readonly out: string;
  readonly caOut?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly timeScale?: number;
  readonly json?: boolean;
}

export function registerRecord(program: Command): void {
  program
    .command('record')
    .description('record what a product asks of a live SCP, as a journal for "backlot judge"')
    .requiredOption('--target <url>', 'the platform, https://HOST or https://HOST:PORT')
    .option(
      '--listen <port>',
      'port at which the product finds it instead; 0 takes a free one',
      parsePort,
      4431,
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--out <file>', 'the journal', 'recorded.ndjson')
    .option('--ca-out <file>', 'where the CA goes that the product has to trust (a temporary file)')
    .option('--ca <file>', 'PEM file of the CA that signed the platform’s certificate')
    .option('--insecure', 'trust any certificate of the platform')
    .addOption(
      new Option('--time-scale <n>', 'for a simulator whose time goes n times as fast')
        .argParser(Number)
        .hideHelp(),
    )
    .option('--json', 'print one line of JSON when ready')
    .addHelpText(
      'after',
      `
Everything is passed on unchanged. Into the journal go calls, numbers and times; names, ids and addresses become
pseudonyms, and passwords, tokens and signatures are left out. The data path (NBD, HotAdd) is not recorded.

Examples:
  backlot record --target https://scp.example.org --ca ca.pem --listen 4431 --out night.ndjson
  backlot judge night.ndjson
Ends with Ctrl-C. Exit codes: 0 recorded, 2 wrong usage, 3 environment, 70 internal error.`,
    )
    .action(record);
}

async function record(flags: RecordFlags): Promise<void> {
  const origin = originOf(flags.target);
  if (flags.ca !== undefined && flags.insecure === true)
    throw new CliError('usage', '--ca and --insecure contradict each other; give one of them');
  const ca = flags.ca === undefined ? undefined : await readCa(flags.ca);
  const stopped = stopSignal();
  const file = openFile(flags.out);
  const clock = createWallClock({ isBackground: true, scale: flags.timeScale ?? 1 });
  // Lines go to the file at once; nothing is read back.
  const journal = new Journal({ now: () => clock.now(), capacity: 2 });
  journal.watch((entry) => void writeSync(file, toJsonLine(entry)));
  const mask = createPseudonyms(randomBytes(32));
  await using proxy = await explain(flags, () =>
    openLiveProxy({
      origin,
      isInsecure: flags.insecure === true,
      ...(ca === undefined ? {} : { ca }),
      host: flags.host,
      port: flags.listen,
      recorder: createCallRecorder({ journal, mask }),
      onTrouble: (what) => process.stderr.write(`not passed on: ${what}\n`),
    }),
  );
  const caFile = flags.caOut ?? join(mkdtempSync(join(tmpdir(), 'backlot-record-')), 'ca.pem');
  writeFileSync(caFile, proxy.caPem);
  const ready = { ready: true, url: `https://${flags.host}:${proxy.port}`, caFile, journal: flags.out };
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(ready)}\n`
      : `Point the product at ${ready.url} and let it trust ${caFile}.\nRecording into ${flags.out}; Ctrl-C ends it.\n`,
  );
  await stopped;
  closeSync(file);
  process.stderr.write(`${journal.length} entries in ${flags.out}; next: backlot judge ${flags.out}\n`);
}

function originOf(target: string): string {
  const url = URL.parse(target);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CliError(
      'usage',
      `--target ${target} is no http(s) URL`,
      'Write https://HOST or https://HOST:PORT.',
    );
  return url.origin;
}

function openFile(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST')
      throw new CliError('usage', `${file} exists already`, 'Choose another file with --out, or remove it.');
    throw new CliError('environment', `${file} cannot be written: ${code}`);
  }
}

async function explain<T>({ host, listen }: RecordFlags, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    throw new CliError(
      'environment',
      `cannot listen on ${host}, port ${listen} (${code})`,
      'Choose another with --listen (0 takes a free one) and --host.',
      { cause: error },
    );
  }
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port from 0 (any free one) to 65535.');
}

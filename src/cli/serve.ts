/** `backlot serve`: the simulator on sockets. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { ClockMode } from '../../simulator/control/clock-mode.ts';
import { CLOCK_MODE_HELP, parseClockMode } from '../../simulator/control/clock-mode.ts';
import { GUEST_LEVELS, type GuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import { addProxyMachineFlags, type ProxyMachineFlags, proxyMachineOf } from './proxy-machine-flags.ts';
import { readDifferences } from './live-differences.ts';
import { printBanner, type ReadyLine } from './serve-banner.ts';
import { type ServeOptions, startServer } from './start-server.ts';

/** The product's own ports, one up where it would take root. */
const FIXED_PORTS = { port: 4430, hciPort: 4443, nbdPort: 10_809, controlPort: 4480 } as const;

export function registerServe(program: Command): void {
  const command = program
    .command('serve')
    .description('run the simulator: REST of SCP and HCI, NBD and NBDSSL, and the control interface')
    .option('--json', 'print one line of JSON when ready; ports are free ones unless given')
    .option('--preset <name>', 'tiny, lab or datacenter (10,000 servers)', parsePreset)
    .option('--inventory <file>', 'what the cluster consists of, YAML or JSON')
    .option(
      '--disk <vm:slot=file>',
      'put an image (raw; qcow2 with qemu-nbd) under a disk; may be repeated',
      collect,
      [],
    )
    .option('--differences <file>', 'be like a real platform that "backlot probe --out FILE" has looked at')
    .option('--seed <text>', 'same seed, same ids, addresses and contents', 'backlot')
    .option('--clock <mode>', CLOCK_MODE_HELP, parseMode, 'real' as ClockMode)
    .option('--guest <level>', `guests of proxies: ${GUEST_LEVEL_HELP}`, parseGuest, 'socket' as GuestLevel)
    .option('--guest-dir <folder>', 'where the devices of the guests are; an empty folder (a temporary one)')
    .option('--port <n>', `port of SCP's API (${FIXED_PORTS.port})`, parsePort)
    .option('--hci-port <n>', `port of HCI's API (${FIXED_PORTS.hciPort})`, parsePort)
    .option('--nbd-port <n>', `port of the hosts' NBD services (${FIXED_PORTS.nbdPort})`, parsePort)
    .option('--control-port <n>', `port of the control interface (${FIXED_PORTS.controlPort})`, parsePort)
    .option(
      '--host <address>',
      'address to listen on; beyond loopback the control interface needs a token',
      '127.0.0.1',
    )
    .addHelpText('after', EXAMPLES)
    .action(serve);
  addProxyMachineFlags(command);
}

const GUEST_LEVEL_HELP =
  'socket (NBD on unix sockets), fuse (files), loop (block devices; root), qemu (virtual machines)';

const EXAMPLES = `
Examples:
  backlot serve
  backlot serve --json --preset lab --seed 7 --clock virtual
  backlot serve --inventory cluster.yaml --clock x60
  backlot serve --guest loop                               hot-added disks are block devices; root
  backlot serve --guest qemu                               proxies are virtual machines
  backlot serve --disk sql-prod-01:ide0=./system.img       a server of the preset tiny, seed backlot

Exit codes: 0 stopped, 2 wrong usage, 3 the environment does not allow it (a port is taken), 70 internal error.`;

type Flags = Omit<ServeOptions, 'ports' | 'proxyMachine' | 'differences'> &
  ProxyMachineFlags & {
    readonly json?: boolean;
    readonly differences?: string;
    readonly port?: number;
    readonly hciPort?: number;
    readonly nbdPort?: number;
    readonly controlPort?: number;
  };

async function serve(flags: Flags): Promise<void> {
  const fixed = flags.json === true ? { port: 0, hciPort: 0, nbdPort: 0, controlPort: 0 } : FIXED_PORTS;
  const { differences: file, ...others } = flags;
  const differences = file === undefined ? undefined : readDifferences(file);
  const stopped = stopSignal();
  await using server = await startServer({
    ...others,
    ...(differences === undefined ? {} : { differences }),
    proxyMachine: proxyMachineOf(flags, flags.guest),
    ports: { ...fixed, ...definedPorts(flags) },
  });
  const folder = mkdtempSync(join(tmpdir(), 'backlot-'));
  const caFile = join(folder, 'ca.pem');
  try {
    writeFileSync(caFile, server.caPem, { mode: 0o600 });
    const line: ReadyLine = { ...server.ready, caFile };
    process.stdout.write(flags.json === true ? `${JSON.stringify(line)}\n` : printBanner(line, server));
    await stopped;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function definedPorts(flags: Flags): Partial<ServeOptions['ports']> {
  const given = Object.entries({
    port: flags.port,
    hciPort: flags.hciPort,
    nbdPort: flags.nbdPort,
    controlPort: flags.controlPort,
  }).filter(([, port]) => port !== undefined);
  return Object.fromEntries(given);
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

function parsePreset(text: string): 'tiny' | 'lab' | 'datacenter' {
  if (text === 'tiny' || text === 'lab' || text === 'datacenter') return text;
  throw new InvalidArgumentError('It must be tiny, lab or datacenter.');
}

function parseMode(text: string): ClockMode {
  const mode = parseClockMode(text);
  if (mode === undefined) throw new InvalidArgumentError(`It must be ${CLOCK_MODE_HELP}.`);
  return mode;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port from 0 (any free one) to 65535.');
}

function parseGuest(text: string): GuestLevel {
  const level = GUEST_LEVELS.find((name) => name === text);
  if (level === undefined) throw new InvalidArgumentError(`It must be one of ${GUEST_LEVELS.join(', ')}.`);
  return level;
}

function collect(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}

/** What the virtual machines of `--guest qemu` are like, for the commands that have them. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { GuestLevel, GuestLevelOptions } from '../../simulator/guest/levels/guest-level.ts';
import { cacheFolder } from '../runtime/cache-folder.ts';
import { CliError } from './cli-error.ts';

export interface ProxyMachineFlags {
  readonly proxyImage?: string;
  readonly proxyMemory?: number;
  readonly proxyCpus?: number;
  readonly proxyAccel?: 'tcg' | 'kvm';
  readonly proxyNetwork?: 'on' | 'off';
}

export type ProxyMachine = Pick<GuestLevelOptions, 'proxyImage' | 'machine'>;

export function addProxyMachineFlags(command: Command): Command {
  return command
    .option(
      '--proxy-image <file>',
      'qemu: boot your own disk (qcow2 or raw) as the proxy; it is not written to',
    )
    .option('--proxy-memory <mb>', 'qemu: memory of a proxy (256; with your own image 2048)', parseCount)
    .option('--proxy-cpus <n>', 'qemu: processors of a proxy (2)', parseCount)
    .addOption(
      new Option(
        '--proxy-accel <kind>',
        'qemu: tcg works everywhere, kvm needs a usable /dev/kvm (tcg)',
      ).choices(['tcg', 'kvm']),
    )
    .addOption(
      new Option(
        '--proxy-network <on|off>',
        'qemu: the proxy reaches this machine at 10.0.2.2 (on with your own image)',
      ).choices(['on', 'off']),
    );
}

/** @throws CliError for flags of machines where there are none */
export function proxyMachineOf(flags: ProxyMachineFlags, guest: GuestLevel | undefined): ProxyMachine {
  const { proxyImage, proxyMemory, proxyCpus, proxyAccel, proxyNetwork } = flags;
  const given = Object.entries({
    '--proxy-image': proxyImage,
    '--proxy-memory': proxyMemory,
    '--proxy-cpus': proxyCpus,
    '--proxy-accel': proxyAccel,
    '--proxy-network': proxyNetwork,
  }).find(([, value]) => value !== undefined);
  if (guest !== 'qemu') {
    if (given === undefined) return {};
    throw new CliError('usage', `${given[0]} is for --guest qemu only`, 'Add --guest qemu.');
  }
  return {
    ...(proxyImage === undefined ? {} : { proxyImage: resolve(proxyImage) }),
    machine: {
      cacheFolder: cacheFolder(),
      ...(proxyMemory === undefined ? {} : { memoryMb: proxyMemory }),
      ...(proxyCpus === undefined ? {} : { cpus: proxyCpus }),
      ...(proxyAccel === undefined ? {} : { accelerator: proxyAccel }),
      ...(proxyNetwork === undefined ? {} : { hasNetwork: proxyNetwork === 'on' }),
    },
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 1_048_576) return count;
  throw new InvalidArgumentError('It takes a whole number from 1.');
}

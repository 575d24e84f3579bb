/** From what a user says about the virtual machines that stand for proxies to what QEMU is told. */
import { closeSync, openSync, readSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { GuestLevelUnavailable } from '../levels/guest-level.ts';
import { buildProxyImage, ProxyImageError } from './proxy-image.ts';
import type { MachineShape, ProxyBoot, ProxyMachineOptions } from './qemu-command.ts';

const OWN_MEMORY_MB = 256;
const FOREIGN_MEMORY_MB = 2048;
const CPUS = 2;

/**
 * `image`: a bootable disk in place of the image that backlot makes.
 * @throws GuestLevelUnavailable
 */
export function machineShape(options: ProxyMachineOptions, image?: string): MachineShape {
  const boot = image === undefined ? ownBoot(options.cacheFolder) : diskBoot(image);
  const isOwn = boot.kind === 'kernel';
  return {
    boot,
    memoryMb: options.memoryMb ?? (isOwn ? OWN_MEMORY_MB : FOREIGN_MEMORY_MB),
    cpus: options.cpus ?? CPUS,
    accelerator: options.accelerator ?? 'tcg',
    hasNetwork: options.hasNetwork ?? !isOwn,
  };
}

function ownBoot(cacheFolder = join(homedir(), '.cache', 'backlot')): ProxyBoot {
  try {
    return { kind: 'kernel', ...buildProxyImage({ cacheFolder }) };
  } catch (error) {
    if (!(error instanceof ProxyImageError)) throw error;
    throw new GuestLevelUnavailable(error.message, error.hint, { cause: error });
  }
}

const QCOW2_MAGIC = 0x514649fb;

function diskBoot(file: string): ProxyBoot {
  const head = Buffer.alloc(4);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, head, 0, head.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GuestLevelUnavailable(`the proxy image cannot be read: ${why}`, 'Name a qcow2 or raw disk.');
  }
  return { kind: 'disk', file, format: head.readUInt32BE(0) === QCOW2_MAGIC ? 'qcow2' : 'raw' };
}

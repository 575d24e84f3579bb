/**
 * How a guest's devices are made visible outside of the simulator's process.
 *
 * `socket`: a unix socket that speaks NBD; needs nothing. `fuse`: a file (nbdfuse). `loop`: a real block device over such
 * a file; root. `qemu`: a real virtual machine.
 */
import type { Clock } from '../../../src/kernel/clock.ts';
import type { World } from '../../domain/world-api.ts';
import type { Guests } from '../guest-api.ts';
import type { ProxyMachineOptions } from '../qemu/qemu-command.ts';

export const GUEST_LEVELS = ['socket', 'fuse', 'loop', 'qemu'] as const;
export type GuestLevel = (typeof GUEST_LEVELS)[number];

export interface GuestLevelOptions {
  /** The guest folder; exists, is empty, and belongs to the caller, who removes it. */
  readonly folder: string;
  readonly world: World;
  readonly guests: Guests;
  /** The machine's own time: programs outside do not live in a world's. */
  readonly wall: Clock;
  /** Told what went wrong while it ran, one line each. */
  readonly report: (line: string) => void;
  /** `qemu`: a bootable disk (qcow2 or raw) in place of the image that backlot makes. It is not written to. */
  readonly proxyImage?: string;
  /** `qemu`: what the machines are like. */
  readonly machine?: ProxyMachineOptions;
}

/** A level at work. Disposing it lets all devices go and ends every process it started. */
export interface OpenGuestLevel extends AsyncDisposable {
  readonly level: GuestLevel;
  readonly folder: string;
}

/** This machine can't do the level. `hint` says what to do about it. */
export class GuestLevelUnavailable extends Error {
  override readonly name = 'GuestLevelUnavailable';
  readonly hint: string;

  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/**
 * The guests of proxy VMs from the inside: which block devices a guest's kernel shows, and what their bytes are.
 *
 * The hypervisor (simulator/domain) says what is attached; a guest follows, late, in another order or not at all when
 * a fault wants it so. How a device is made visible outside of the simulator's process is a guest level: a unix socket
 * that speaks NBD, a file (nbdfuse), a loop device, or a real virtual machine. A level is a mirror of this.
 */
import type { Duplex } from 'node:stream';
import type { GuestExecResult } from '../domain/hot-add-api.ts';

/** A block device as a guest's kernel shows it. */
export interface GuestDevice {
  /** `vdb`: the first is after the proxy's own disks. */
  readonly name: string;
  readonly serial: string;
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
  /** Id of the hot-added disk, for the journal; a guest does not know it. */
  readonly diskId: string;
}

/** Follows the devices of all guests of one world. It may take real time; the guest waits for it. */
export interface DeviceMirror {
  /** Resolves when a program in the guest could open the device. */
  appear(server: GuestServer, device: GuestDevice): Promise<void>;
  /** Resolves when the guest has let go. `isForced`: the device is gone already (power-off, expiry). */
  vanish(server: GuestServer, device: GuestDevice, isForced: boolean): Promise<void>;
  /** Runs a command in the guest's own shell. Absent: a simulated shell answers. */
  exec?(server: GuestServer, command: string): Promise<GuestExecResult>;
}

export interface GuestServer {
  readonly id: string;
  readonly name: string;
}

export interface Guests {
  /** Devices beside the server's own disks, in the order in which they appeared. Empty when it does not run. */
  devices(serverId: string): readonly GuestDevice[];
  /**
   * A connection to a device, as a program in the guest has it, in NBD (one export, whatever name is asked for).
   * `undefined` when the guest has no such device. It ends when the device vanishes.
   */
  dial(serverId: string, name: string): Duplex | undefined;
  /** From now on the mirror follows; what is there already appears in it first. One at a time. */
  mirror(mirror: DeviceMirror | undefined): Promise<void>;
}

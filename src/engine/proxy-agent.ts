/**
 * The engine's foot in the guest of a proxy VM: it lists the block devices that the guest's kernel shows, and reads
 * and writes them. Nothing here knows how the engine reaches the guest; on a live cluster the engine itself runs there.
 */
import type { NbdClient } from '../nbd/client/nbd-client-api.ts';

/** A block device as the guest's kernel shows it. */
export interface GuestBlockDevice {
  /** Name in the guest, such as `vdb`. It says nothing about which disk it is. */
  readonly name: string;
  /** Serial number of the device; as much of the disk's id as the bus carries (virtio-blk: 20 characters). May be empty. */
  readonly serial: string;
  /** As the guest's kernel reports it: whole sectors of 512 bytes. */
  readonly sizeBytes: number;
  readonly isReadOnly: boolean;
}

/**
 * A disk as the engine reads or writes it, whatever is behind it. An NBD client is one.
 *
 * `info.metaContexts` is empty where the disk can't be asked for its extents; `blockStatus` then rejects.
 */
export type OpenDisk = Pick<
  NbdClient,
  'info' | 'reconnects' | 'read' | 'write' | 'writeZeroes' | 'flush' | 'blockStatus' | 'close'
>;

export interface OpenDeviceOptions {
  readonly write: boolean;
  /** Ends opening. */
  readonly signal: AbortSignal;
  /** A request without an answer for so long means that the device is gone. No limit of the agent's own when absent. */
  readonly requestTimeoutMs?: number;
}

export interface ProxyAgent {
  /** What the guest shows now. @throws AgentLost when the guest is not there (powered off, agent not running) */
  devices(signal: AbortSignal): Promise<readonly GuestBlockDevice[]>;
  /** Opens a device by its name. @throws DeviceGone when the guest has no such device (any more), AgentLost */
  open(name: string, options: OpenDeviceOptions): Promise<OpenDisk>;
  /** Ends the connection to the guest; open disks of it are closed. */
  close(): Promise<void>;
}

/** The guest does not answer (any more): it is off, or its agent is not running. */
export class AgentLost extends Error {
  override readonly name = 'AgentLost';
}

/** The guest has no such device, or lost it while it was open. */
export class DeviceGone extends Error {
  override readonly name: string = 'DeviceGone';
}

/** No answer in time. What was opened is of no use any more; the device itself may still be there. */
export class DeviceSilent extends DeviceGone {
  override readonly name = 'DeviceSilent';
}

/** A proxy VM as the engine knows it when it asks for its guest. */
export interface ProxyAddress {
  readonly id: string;
  readonly name: string;
}

/** Opens the way into a proxy's guest. @throws AgentLost */
export type ConnectProxy = (proxy: ProxyAddress, signal: AbortSignal) => Promise<ProxyAgent>;

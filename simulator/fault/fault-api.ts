/**
 * Planned faults of one world. A fault names where it strikes, what happens, and how often; never by chance.
 * Every fault counts how often it fired; one that never fired makes an outcome inconclusive.
 */

import type { ApiErrorCode } from '../../src/contract/errors.ts';
import type { ErrnoName } from '../../src/nbd/wire/errno.ts';
import type { TaskStep } from '../domain/interference.ts';

/** What happens; in full in `FAULT_KINDS`. */
export type FaultKind =
  /** The operation is refused before it has any effect. */
  | { readonly kind: 'error'; readonly status: number; readonly message: string }
  /** The operation has its effect; the connection ends without a reply. */
  | { readonly kind: 'lose-reply' }
  /** The request is lost before it has any effect; the connection ends without a reply. */
  | { readonly kind: 'lose-request' }
  /** The operation waits before its effect (`before`) or before its reply (`after`). */
  | { readonly kind: 'delay'; readonly ms: number; readonly when: 'before' | 'after' }
  /** The operation is refused with an error of the catalogue, in the product's own shape. */
  | { readonly kind: 'refuse'; readonly code: ApiErrorCode }
  /** The whole API answers 503 from the first strike on, for so long. */
  | { readonly kind: 'unavailable'; readonly ms: number }
  /** Matching operations are answered 429 from the first strike on, for so long. */
  | { readonly kind: 'rate-limited'; readonly ms: number }
  /** The effect is there; the body of the reply is not JSON. */
  | { readonly kind: 'garbage-reply' }
  /** The effect is there; the body of the reply ends in its middle. */
  | { readonly kind: 'truncated-reply' }
  /** The changed-areas query answers that CBT has expired, and it is so: every checkpoint is void. */
  | { readonly kind: 'cbt-expired' }
  /** A page of changed areas is the one before it. */
  | { readonly kind: 'cbt-page-repeated' }
  /** A page of changed areas covers half as much. */
  | { readonly kind: 'cbt-page-cut' }
  /** A page of changed areas lacks a block. */
  | { readonly kind: 'cbt-misses-block' }
  /** Another backup product gets the server for so long. */
  | { readonly kind: 'occupy'; readonly seconds: number }
  /** A platform job of higher priority takes the server. */
  | { readonly kind: 'preempt' }
  /** The host that serves the server's disks is offline for so long. */
  | { readonly kind: 'host-gone'; readonly ms: number }
  /** The datastore of the server's disks can't be read or written for so long. */
  | { readonly kind: 'datastore-offline'; readonly ms: number }
  /** Nothing more can be written to the datastore of the server's disks for so long. */
  | { readonly kind: 'datastore-full'; readonly ms: number }
  /** The proxy VM is off at once. */
  | { readonly kind: 'proxy-crash' }
  /** The platform's processes start again, with their state. */
  | { readonly kind: 'restart' }
  /** The token or all tokens stop being valid before the operation. */
  | { readonly kind: 'expire-tokens' }
  /** Every running backup resource of the server ends as if its time were over, before the operation. */
  | { readonly kind: 'expire-resource' }
  /** The request of a disk's bytes fails with this NBD error. */
  | { readonly kind: 'errno'; readonly errno: ErrnoName }
  /** One bit of the data of a read is another one; of the byte at `offset` of the disk, else of the first one read. */
  | { readonly kind: 'corrupt-payload'; readonly offset?: number }
  /** The reply comes after the one to a later request. */
  | { readonly kind: 'reorder-replies' }
  /** Instead of replies garbage comes, from the first reply on that begins after so many bytes of replies. */
  | { readonly kind: 'garbage-after-bytes'; readonly bytes: number }
  /** The NBD connection is reset after so many bytes of replies. */
  | { readonly kind: 'drop-after-bytes'; readonly bytes: number }
  /** The NBD connection stays up and says nothing more after so many bytes of replies. */
  | { readonly kind: 'silence-after-bytes'; readonly bytes: number }
  /** Everything the NBD server sends arrives one byte at a time. */
  | { readonly kind: 'one-byte-at-a-time' }
  /** The NBD server shows a certificate that does not fit: other CA, expired, other host. */
  | { readonly kind: 'bad-certificate'; readonly flaw: 'foreign-ca' | 'expired' | 'wrong-host' }
  /** The task ends in failure; what its call had begun is taken back. */
  | { readonly kind: 'task-fails'; readonly message: string }
  /** The task never ends, until the fault is cleared. */
  | { readonly kind: 'task-hangs' }
  /** The task is reported done, and nothing is. */
  | { readonly kind: 'task-phantom' }
  /** Guest: a hot-added device appears so much later than its task ends. */
  | { readonly kind: 'device-late'; readonly ms: number }
  /** Guest: the task ends well, the device never appears. */
  | { readonly kind: 'device-never' }
  /** Guest: the devices of one task appear in the reverse order. */
  | { readonly kind: 'device-order' }
  /** Guest: the device has a name of another family (`sdb` for `vdb`). */
  | { readonly kind: 'device-name' }
  /** Guest: only so many characters of the disk's id are its serial number; 0: none. The usual number is 20. */
  | { readonly kind: 'device-serial'; readonly characters: number }
  /** Guest: its system writes a disk signature into the first sector as soon as it sees the device. */
  | { readonly kind: 'guest-signature' }
  /** Guest: the device is gone after so many bytes were read from it; the platform still calls it attached. */
  | { readonly kind: 'device-vanishes'; readonly bytes: number }
  /** Guest: lets go only after so long; 0: never, so that the removal fails. */
  | { readonly kind: 'detach-hangs'; readonly ms: number }
  /** Guest: the removal is reported done so much before the guest lets go. */
  | { readonly kind: 'detach-early'; readonly ms: number };

export type FaultSpec = FaultKind & {
  /** Unique in the world; drawn when absent. */
  readonly id?: string;
  /**
   * Name of an operation of the contract (`cbt.changed-areas`), `*` for all, `task:` and an action (`task:snapshot.create`,
   * `task:*`) for steps of tasks, `lease` for an instant of a backup resource's time, `nbd` for the data plane, or `guest` for
   * hot-added devices in a proxy's guest (there `server` and `device` are those of the disk's source). `error`, `delay`
   * and `expire-resource` strike at `guest` as they do at `nbd`: at single requests of a program to a device.
   */
  readonly on: string;
  /** Only for this server (id or name) and, where disks are spoken of, this device. */
  readonly server?: string;
  readonly device?: string;
  /** Only for this backup resource, by id. */
  readonly resource?: string;
  /** Only for this caller: access key or user name; on the data plane the owner of the backup resource. */
  readonly actor?: string;
  /** Only for the NBD connection of this number, as the journal counts. */
  readonly connection?: number;
  /** For tasks, where in its course: the call was accepted, the work begins, the effect comes. Default `finish`. */
  readonly step?: TaskStep;
  /** For leases (`on: lease`): strikes when a backup resource has so much time left, in seconds. */
  readonly atRemaining?: number;
  /** Lets the first so many matches pass. Default 0. */
  readonly after?: number;
  /** Fires so often, then never again. Default 1; 0 = sticky. */
  readonly times?: number;
};

/** A fault that strikes, with the id under which it was planned. */
export type StruckFault = FaultSpec & { readonly id: string };

export interface PlannedFault {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly seen: number;
  readonly fired: number;
}

/** Where something is about to happen. */
export interface FaultPoint {
  readonly on: string;
  readonly serverId?: string;
  readonly serverName?: string;
  readonly deviceId?: string;
  readonly resourceId?: string;
  readonly actor?: string;
  readonly connection?: number;
  readonly step?: TaskStep;
  /** The kinds that can be carried out at this point; a fault of another kind lets it pass uncounted. All when absent. */
  readonly can?: readonly FaultKind['kind'][];
  /** Whether its moment has come; a fault for which it has not passes uncounted. Always when absent. */
  readonly isNow?: (fault: FaultKind) => boolean;
  /** Whether there is anything for it to strike; a fault for which there is not waits for the next match. */
  readonly canStrike?: (fault: FaultKind) => boolean;
  /** Seconds that a lease has left. */
  readonly remaining?: number;
}

export interface Faults {
  /** @throws ApiError INVALID_PARAMETER for an unknown kind or a nonsensical number */
  add(spec: FaultSpec): PlannedFault;
  list(): readonly PlannedFault[];
  /** Whether any is planned: asked with every call. */
  isNone(): boolean;
  clear(id?: string): void;
  /**
   * The faults that strike at this point, now. Counts them as fired and writes them to the journal, so the caller
   * must carry them out.
   */
  strike(point: FaultPoint): readonly StruckFault[];
  /** Tells which faults are planned, those that are already first. */
  onPlanned(listener: (fault: StruckFault) => void): void;
  /** Tells which faults were cleared: what lasts ends with its fault. */
  onCleared(listener: (id: string) => void): void;
}

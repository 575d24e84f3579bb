/** What a job asks of the reference engine, what it gets back, and what the engine stands on. */
import type { Duplex } from 'node:stream';
import type { Clock } from '../kernel/clock.ts';
import type { IdSource } from '../kernel/ids.ts';
import type { NbdClient, NbdClientOptions } from '../nbd/client/nbd-client-api.ts';
import type { Repository } from '../repository/repository-api.ts';
import type { HttpTransport } from '../sdk/http-transport.ts';
import type { ConnectProxy } from './proxy-agent.ts';

export type Transport = 'nbd' | 'nbdssl' | 'hotadd';
/** What reaches the disks over the network. */
export type NetworkTransport = Exclude<Transport, 'hotadd'>;

export type Credentials =
  | { readonly kind: 'ec2'; readonly accessKey: string; readonly secretKey: string }
  | { readonly kind: 'password'; readonly username: string; readonly password: string };

/** Everything from outside that the engine uses; nothing else reaches the process, the network or the clock. */
export interface EngineEnvironment {
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly scp: HttpTransport;
  readonly credentials: Credentials;
  /** Opens a byte stream to the NBD service of a host. */
  readonly dialNbd: (host: string, port: number, signal: AbortSignal) => Promise<Duplex>;
  /** Opens a disk over what `dialNbd` dials. Default: the NBD client of this package. */
  readonly connectNbd?: (options: NbdClientOptions, clock: Clock) => Promise<NbdClient>;
  /** The way into the guests of proxy VMs; without it there is no HotAdd. */
  readonly connectProxy?: ConnectProxy;
  readonly repository: Repository;
  /** Called for every step and now and then in between. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

export interface EngineOptions {
  /** Default 10809. */
  readonly nbdPort?: number;
  /** Lock time asked for, 60..7200 s. Default 600. */
  readonly lockTimeSeconds?: number;
  /** How often the lock is renewed, at most a third of the lock time. Default 90 s. */
  readonly renewEverySeconds?: number;
  /** NBD connections per disk. Default 2. */
  readonly connections?: number;
  /** NBD connections to one host, of all jobs of this engine together; others wait. Default 16, at most 128. */
  readonly maxConnectionsPerHost?: number;
  /** Bytes per NBD read. Default 256 KiB. */
  readonly readBytes?: number;
  readonly requestTimeoutMs?: number;
  /** Bounds the wait for a busy or occupied server. Default 10 minutes. */
  readonly busyWaitMs?: number;
  /** Reads every block back after the transfer and compares. Default false. */
  readonly verify?: boolean;
  /** Do not switch CBT on where it is off; read all instead. */
  readonly leaveCbtAlone?: boolean;
  /** HotAdd: names or ids of the proxy VMs that may be used. Default: every one that fits. */
  readonly proxies?: readonly string[];
  /** HotAdd: how long an attached disk may take to appear in the proxy's guest. Default 2 minutes. */
  readonly deviceWaitMs?: number;
  /** Taken when no proxy can reach a server's disks, or every one that can has failed; the result says so. Default: none. */
  readonly fallback?: NetworkTransport;
  /** HotAdd: at most so many disks attached to one proxy at once, if the platform allows as many. Default 64. */
  readonly maxDisksPerProxy?: number;
  /** Tag put into names and descriptions of what the engine makes, so that it finds its leftovers. Default `backlot`. */
  readonly tag?: string;
}

export interface BackupJob {
  /** Name or id of the server. */
  readonly server: string;
  readonly transport: Transport;
  /** Full even where an incremental would do. */
  readonly full?: boolean;
  readonly signal?: AbortSignal;
}

export interface DiskResult {
  readonly deviceId: string;
  readonly sizeBytes: number;
  /** How the blocks to read were found. */
  readonly method: 'changed-areas' | 'valid-areas' | 'allocation' | 'everything';
  readonly readBytes: number;
}

export interface BackupResult {
  readonly pointId: string;
  readonly kind: 'full' | 'incremental';
  /** Why it is a full although an incremental was possible to ask for; empty otherwise. */
  readonly fullBecause: string;
  readonly server: { readonly id: string; readonly name: string };
  readonly snapshotId: string;
  readonly checkpointId: string;
  /** The data path that was used in the end. */
  readonly transport: Transport;
  /** HotAdd: name of the proxy VM that read the disks. */
  readonly proxy?: string;
  readonly disks: readonly DiskResult[];
  readonly durationMs: number;
  readonly renewals: number;
  readonly reconnects: number;
  /** What went less well than asked: degraded modes, left-overs removed, clean-up that failed. */
  readonly warnings: readonly string[];
}

export interface RestoreJob {
  readonly pointId: string;
  /** `new` creates a server from the backed-up configuration; else name or id of an existing one, which must be off. */
  readonly to: string;
  readonly transport: Transport;
  /**
   * To the server that was backed up: writes only where it differs from the point, as far as the platform's change
   * tracking can tell; else everything, and the result says why. Default false.
   */
  readonly differential?: boolean;
  /** Name of the new server. Default: the backed-up name with `-restored`. */
  readonly newName?: string;
  readonly powerOn?: boolean;
  readonly signal?: AbortSignal;
}

export interface RestoreResult {
  readonly pointId: string;
  readonly server: { readonly id: string; readonly name: string };
  /** The data path that was used in the end. */
  readonly transport: Transport;
  /** HotAdd: name of the proxy VM that wrote the disks. */
  readonly proxy?: string;
  readonly disks: readonly {
    readonly deviceId: string;
    readonly writtenBytes: number;
    /** Bytes that are zeros now, where the restore looked at them. */
    readonly zeroBytes: number;
  }[];
  /** Only where the server differed from the point was written. Absent where that was not asked for. */
  readonly differential?: boolean;
  /** Why a differential restore became a whole one; empty or absent otherwise. */
  readonly wholeBecause?: string;
  readonly durationMs: number;
  readonly renewals: number;
  readonly warnings: readonly string[];
}

export interface UnprotectJob {
  /** Name or id of the server. */
  readonly server: string;
  /** Also where tracking was on before the engine came. Default false. */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

export interface UnprotectResult {
  readonly server: { readonly id: string; readonly name: string };
  /** `left-as-found`: tracking is on, and it was not this engine (same repository and tag) that switched it on. */
  readonly outcome: 'switched-off' | 'already-off' | 'left-as-found' | 'server-gone';
  /** Slots of the disks whose tracking was switched off. */
  readonly disks: readonly string[];
  readonly warnings: readonly string[];
}

export interface CleanupResult {
  readonly removed: readonly {
    /** `hot-added-disk`: detached from a proxy; `proxy`: a proxy that the dead run had started was powered off. */
    readonly kind: 'snapshot' | 'backup-resource' | 'server' | 'hot-added-disk' | 'proxy';
    readonly id: string;
  }[];
  readonly warnings: readonly string[];
}

export interface ProgressEvent {
  readonly step: string;
  readonly deviceId?: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
  readonly message?: string;
}

export interface Engine {
  /** @throws JobFailed with the cause, after everything that was made has been released as far as possible */
  backup(job: BackupJob): Promise<BackupResult>;
  /** @throws JobFailed; the target is then left powered off and is named in the error */
  restore(job: RestoreJob): Promise<RestoreResult>;
  /**
   * Ends the protection of a server: switches change tracking off where this engine (same repository and tag) had
   * switched it on. Restore points stay. Does nothing when it is off already or the server is gone.
   * @throws JobFailed
   */
  unprotect(job: UnprotectJob): Promise<UnprotectResult>;
  /** Removes what earlier runs of this engine (same repository and tag) left behind; nothing else. */
  cleanup(): Promise<CleanupResult>;
}

/**
 * A journal, read once, as rules look at it: calls with their replies, and the lives of whatever came and went.
 *
 * Lists are in the order of the journal. Lives are of everything in the world, whoever made it; `actor` says who that
 * was, and is undefined for what an operator or another product did behind the platform. Calls, walks and connections
 * are those of the judged engines only.
 */
import type { JournalEntry, Json } from '../../src/kernel/journal.ts';

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

/** Position in the journal and instant of the world's clock, ms since the epoch. */
export interface Moment {
  readonly n: number;
  readonly t: number;
}

/** Everything that rules need of one world; built by `observe`. */
export interface Observation {
  /** What was read out of it so far, see `once`. Not in a WeakMap, whose contents outlive the collector's quick rounds. */
  readonly readings: Map<unknown, unknown>;
  readonly entries: readonly JournalEntry[];
  /** Names under which the judged engines log in. */
  readonly actors: ReadonlySet<string>;
  readonly jobs: readonly JobLife[];
  readonly calls: readonly Call[];
  readonly tasks: ReadonlyMap<string, TaskLife>;
  readonly snapshots: readonly SnapshotLife[];
  readonly resources: readonly ResourceLife[];
  readonly hotAdded: readonly HotAddedLife[];
  readonly tokens: readonly TokenLife[];
  /** Queries for changed areas that belong together. */
  readonly walks: readonly AreaWalk[];
  readonly connections: readonly NbdConnection[];
  readonly guestDevices: readonly Entry<'guest.device'>[];
  readonly guestIo: readonly Entry<'guest.io'>[];
  readonly guestWrites: readonly Entry<'guest.write'>[];
  /** Power states of servers, CBT, hosts, datastores: whatever has no list of its own above. */
  readonly states: readonly Entry<'state'>[];
  readonly comparisons: readonly Entry<'compared'>[];
  readonly faults: readonly FaultStrike[];
  /** Of the last entry. */
  readonly end: Moment;
}

/** A job that the harness gave to an engine. */
export interface JobLife extends Moment {
  readonly job: number;
  readonly engine: string;
  readonly operation: Entry<'job'>['operation'];
  readonly actor: string | undefined;
  readonly transport: string | undefined;
  /** Id of the server that is backed up or written. */
  readonly server: string | undefined;
  readonly point: string | undefined;
  readonly mode: 'full' | 'incremental' | undefined;
  readonly error: string | undefined;
  /** Undefined: still at work when the journal ends. */
  readonly outcome: 'succeeds' | 'fails' | 'killed' | undefined;
  readonly end: Moment | undefined;
}

export interface Reply extends Moment {
  /** 0: the request never had an effect. */
  readonly status: number;
  readonly code: number | string;
  readonly message: string;
  /** Left out of journals when it is long. */
  readonly data: Json | undefined;
  /** The engine never saw it. What it asked for may have been done all the same. */
  readonly isLost: boolean;
}

/** A REST call. `n` and `t` are those of the request. */
export interface Call extends Moment {
  readonly call: number;
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** Pieces of the path, decoded. */
  readonly segments: readonly string[];
  readonly query: Readonly<Record<string, Json>>;
  readonly body: Json | undefined;
  /** Who asks; of a login, the user name in its body. */
  readonly actor: string;
  readonly clientToken: string | undefined;
  /** The platform's id of the server that it names: in the path, the query or the body. */
  readonly server: string | undefined;
  /** Undefined when the journal ends first. */
  readonly reply: Reply | undefined;
  /** Planned faults that struck it. */
  readonly faults: readonly FaultStrike[];
}

export interface FaultStrike extends Moment {
  readonly fault: string;
  readonly kind: string;
  /** Operation, `nbd`, `guest`, `task ...`: the first word of `at`. */
  readonly on: string;
  readonly at: string;
  readonly count: number;
}

export interface TaskLife extends Moment {
  readonly task: string;
  readonly action: string;
  readonly server: string | undefined;
  readonly object: string | undefined;
  /** The call whose reply names it. */
  readonly call: Call | undefined;
  readonly status: Entry<'task'>['status'];
  readonly description: string;
  /** When it came to its end, well or not. */
  readonly end: Moment | undefined;
}

/** What comes into being by a call and goes by another. `n` and `t`: when it came. */
interface Life extends Moment {
  readonly id: string;
  /** Judged engine that made it. */
  readonly actor: string | undefined;
  readonly createdBy: Call | undefined;
  /** Calls of judged engines that ask for its end, in their order, whatever the answer. */
  readonly deletedBy: readonly Call[];
  readonly end: Moment | undefined;
}

export interface SnapshotLife extends Life {
  readonly server: string;
  readonly name: string;
  readonly checkpoint: string;
  /** Its disks as they were then; empty when the journal does not say. */
  readonly disks: readonly SnapshotDisk[];
  /** When it could be read. */
  readonly ready: Moment | undefined;
}

export interface SnapshotDisk {
  readonly id: string;
  readonly bytes: number;
  readonly isTracked: boolean;
}

export interface ResourceLife extends Life {
  readonly server: string;
  readonly type: 'backup' | 'restore';
  readonly host: string | undefined;
  /** The snapshot that it stands on. */
  readonly snapshot: string | undefined;
  /** As asked for at first. */
  readonly lockTimeSeconds: number;
  /** When the server was locked and could be read. */
  readonly running: Moment | undefined;
  /** When the platform took a renewal in, and for how long. */
  readonly renewals: readonly (Moment & { readonly lockTimeSeconds: number })[];
  /** Calls that ask for a renewal, whatever the answer. */
  readonly renewedBy: readonly Call[];
  /** Status at its end: `released`, `expired`, `cancelled`, `failed`, ... */
  readonly endedAs: string | undefined;
  readonly endedWhy: string;
}

export interface HotAddedLife extends Life {
  readonly proxy: string;
  /** Device of the source server: `ide0`. */
  readonly device: string;
  readonly slot: string;
  readonly purpose: string;
  /** Server whose disk, or whose snapshot's clone, it is. */
  readonly source: string;
  readonly resource: string | undefined;
  /** Of a clone; absent for the disk itself. */
  readonly snapshot: string | undefined;
  readonly endedWhy: string;
}

export interface TokenLife extends Moment {
  readonly id: string;
  readonly actor: string;
  readonly login: Call | undefined;
  /** As the login's reply says, ms since the epoch. */
  readonly expiresAt: number | undefined;
  /** When the platform noticed that it was over. */
  readonly end: Moment | undefined;
  readonly endedWhy: string;
}

/** Queries with the same server, snapshot, disk and checkpoint, from a start at 0 to the next one. */
export interface AreaWalk extends Moment {
  readonly actor: string;
  readonly server: string;
  readonly snapshot: string;
  readonly disk: string;
  readonly checkpoint: string;
  readonly queries: readonly AreaQuery[];
  /** Size of the disk in the snapshot, where the journal says it. */
  readonly diskBytes: number | undefined;
}

export interface AreaQuery {
  readonly call: Call;
  readonly startOffset: number;
  /** What the engine was told; undefined for a refusal, a lost answer, or data too long for the journal. */
  readonly page: { readonly startOffset: number; readonly length: number } | undefined;
}

export interface NbdConnection extends Moment {
  readonly connection: number;
  readonly address: string;
  readonly options: readonly Entry<'nbd.option'>[];
  /** The one that GO or EXPORT_NAME has opened. */
  readonly export: string | undefined;
  /** Was it encrypted when the export was opened? */
  readonly isTls: boolean;
  readonly resource: ResourceLife | undefined;
  /** Device of the server: `ide0`. */
  readonly device: string | undefined;
  readonly requests: readonly NbdRequest[];
  readonly end: Moment | undefined;
  readonly endedWhy: string;
}

export interface NbdRequest extends Moment {
  readonly request: number;
  readonly command: string;
  readonly flags: number;
  readonly offset: number;
  readonly length: number;
  readonly reply: (Moment & { readonly error: number; readonly bytes: number }) | undefined;
}

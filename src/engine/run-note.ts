/**
 * What a run has made on the platform, kept in the repository from before it is made until it is gone.
 *
 * The intuition: after a kill nothing remembers a snapshot but its name and this note. A name alone may belong to
 * another repository's engine; a note alone may be stale. Both together say "mine".
 *
 * Invariants: a name is in the note before the platform hears of it; a note vanishes only when everything it names is
 * verified to be gone. The repository may go on naming a snapshot or a backup resource that is gone, until the next
 * change is written: nobody else's ever bears that name, so whoever looks for it finds nothing. Disks and proxies may be
 * others' in the next moment, and are struck out at once.
 */
import type { Json } from '../kernel/journal.ts';
import type { Repository } from '../repository/repository-api.ts';
import type { ProxyAddress } from './proxy-agent.ts';

export interface RunRecord {
  readonly runId: string;
  readonly kind: 'backup' | 'restore';
  readonly serverId: string;
  readonly serverName: string;
  /** Names are unique; the id is learned later. */
  readonly snapshots: readonly { readonly name: string; readonly id?: string }[];
  readonly resourceIds: readonly string[];
  /** ms since the epoch; until then a backup resource of which no answer told may hold the server. 0: there is none. */
  readonly unheardLockUntilMs: number;
  /** Disks that may be attached to proxy VMs. */
  readonly hotAdded: readonly HotAddedNote[];
  /** Proxy VMs that were started for the run. */
  readonly startedProxies: readonly ProxyAddress[];
  /** A server that a restore creates and has not completed. */
  readonly newServer?: {
    readonly name: string;
    readonly id?: string;
    /** Of its creation: until it has ended, a server that is not there may still come. */
    readonly taskId?: string;
    /** ms since the epoch; so long it may come although it is not listed yet. */
    readonly awaitedUntilMs?: number;
  };
  /** ms since the epoch; until then another process must take the run for alive. */
  readonly aliveUntilMs: number;
}

export interface HotAddedNote {
  readonly proxy: ProxyAddress;
  readonly diskIds: readonly string[];
}

/** One run's record, in memory and in the repository. Writes are serialized, so the latest state always wins. */
export class RunNote {
  readonly #repository: Repository;
  readonly #key: string;
  #record: RunRecord;
  /** By proxy and disk. In memory alone: another process asks anew. */
  readonly #failedRemovals = new Map<string, unknown>();
  #writing: Promise<void> = Promise.resolve();

  constructor(repository: Repository, tag: string, record: RunRecord) {
    this.#repository = repository;
    this.#key = noteKey(tag, record.runId);
    this.#record = record;
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** Durable when it resolves. */
  update(change: Partial<RunRecord>): Promise<void> {
    return this.replace({ ...this.#record, ...change });
  }

  replace(record: RunRecord): Promise<void> {
    this.#record = record;
    return this.#enqueue(() => this.#repository.writeNote(this.#key, toJson(this.#record)));
  }

  addSnapshot(name: string): Promise<void> {
    return this.update({ snapshots: [...this.#others(name), { name }] });
  }

  /** Written with the next change; without it the name leads to the snapshot. */
  learnSnapshotId(name: string, id: string): void {
    this.#record = { ...this.#record, snapshots: [...this.#others(name), { name, id }] };
  }

  /** Written with the next change. */
  dropSnapshot(name: string): void {
    this.#record = { ...this.#record, snapshots: this.#others(name) };
  }

  #others(name: string): RunRecord['snapshots'] {
    return this.#record.snapshots.filter((snapshot) => snapshot.name !== name);
  }

  addResource(id: string): Promise<void> {
    return this.update({ resourceIds: [...this.#record.resourceIds, id], unheardLockUntilMs: 0 });
  }

  /** Written with the next change. */
  dropResource(id: string): void {
    const resourceIds = this.#record.resourceIds.filter((known) => known !== id);
    this.#record = { ...this.#record, resourceIds };
  }

  addHotAdded(proxy: ProxyAddress, diskIds: readonly string[]): Promise<void> {
    const { hotAdded } = this.#record;
    for (const id of diskIds) this.#failedRemovals.delete(`${proxy.id}/${id}`);
    const known = hotAdded.find((noted) => noted.proxy.id === proxy.id)?.diskIds ?? [];
    const all = { proxy, diskIds: [...new Set([...known, ...diskIds])] };
    return this.update({ hotAdded: [...hotAdded.filter((noted) => noted.proxy.id !== proxy.id), all] });
  }

  dropHotAdded(proxyId: string, diskIds: readonly string[]): Promise<void> {
    const left = this.#record.hotAdded.map((noted) =>
      noted.proxy.id === proxyId
        ? { ...noted, diskIds: noted.diskIds.filter((id) => !diskIds.includes(id)) }
        : noted,
    );
    return this.update({ hotAdded: left.filter((noted) => noted.diskIds.length > 0) });
  }

  /** The removal of these disks was asked for, and this is what became of it. */
  failRemoval(proxyId: string, diskIds: readonly string[], why: unknown): void {
    for (const id of diskIds) this.#failedRemovals.set(`${proxyId}/${id}`, why);
  }

  /** What became of the last removal of a disk since it was added; `undefined` when none was asked for. */
  failedRemoval(proxyId: string, diskId: string): unknown {
    return this.#failedRemovals.get(`${proxyId}/${diskId}`);
  }

  async addStartedProxy(proxy: ProxyAddress): Promise<void> {
    const { startedProxies } = this.#record;
    if (startedProxies.every(({ id }) => id !== proxy.id))
      await this.update({ startedProxies: [...startedProxies, { id: proxy.id, name: proxy.name }] });
  }

  dropStartedProxy(id: string): Promise<void> {
    return this.update({ startedProxies: this.#record.startedProxies.filter((proxy) => proxy.id !== id) });
  }

  /** Ends the run: the note goes when it names nothing any more, else it stays for the next run's clean-up. */
  close(): Promise<void> {
    if (isEmpty(this.#record)) return this.#enqueue(() => this.#repository.removeNote(this.#key));
    return this.update({ aliveUntilMs: 0 });
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const next = this.#writing.then(work);
    this.#writing = next.catch(() => {});
    return next;
  }
}

function isEmpty(record: RunRecord): boolean {
  const { snapshots, resourceIds, hotAdded, startedProxies, newServer } = record;
  const lists = [snapshots, resourceIds, hotAdded, startedProxies];
  return lists.every((list) => list.length === 0) && newServer === undefined;
}

const noteKey = (tag: string, runId: string): string => `run-${tag}-${runId}`;

/** All runs that engines of this tag have noted in this repository. Notes that do not read are left alone. */
export async function readRunNotes(repository: Repository, tag: string): Promise<readonly RunNote[]> {
  const keys = await repository.noteKeys();
  const notes: RunNote[] = [];
  for (const key of keys.filter((name) => name.startsWith(`run-${tag}-`)).sort()) {
    const record = parseRecord(await repository.readNote(key));
    if (record !== undefined && noteKey(tag, record.runId) === key)
      notes.push(new RunNote(repository, tag, record));
  }
  return notes;
}

function toJson(record: RunRecord): Json {
  return { version: 1, ...(record as unknown as { readonly [key: string]: Json }) };
}

function parseRecord(value: Json | undefined): RunRecord | undefined {
  const isRecord =
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === 1 &&
    'runId' in value &&
    typeof value.runId === 'string';
  if (!isRecord) return undefined;
  // Notes of older versions know nothing of these.
  const before: Pick<RunRecord, 'hotAdded' | 'startedProxies' | 'unheardLockUntilMs'> = {
    hotAdded: [],
    startedProxies: [],
    unheardLockUntilMs: 0,
  };
  return { ...before, ...(value as unknown as Omit<RunRecord, keyof typeof before>) };
}

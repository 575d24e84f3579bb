/** Backups and restores that nobody announced, as the journal lets one recognise them. */
import type { AreaWalk, HotAddedLife, Observation, ResourceLife } from '../rules/observation.ts';

export type SeenTransport = 'nbd' | 'nbdssl' | 'hotadd';

export interface SeenBackup {
  readonly server: string;
  readonly snapshot: string;
  readonly transport: SeenTransport;
  readonly isIncremental: boolean;
  /** Position in the journal of its last trace. */
  readonly end: number;
}

export interface SeenRestore {
  readonly server: string;
  /** The server came into being after the watch had begun. */
  readonly isNew: boolean;
  readonly transport: SeenTransport;
  readonly end: number;
}

/** Those that are over: their locks are given back and their disks detached. */
export function findBackups(seen: Observation): readonly SeenBackup[] {
  return seen.snapshots.flatMap(({ id, server, actor }): SeenBackup[] => {
    if (actor === undefined) return [];
    const locks = seen.resources.filter((one) => one.snapshot === id && one.type === 'backup');
    const disks = seen.hotAdded.filter((one) => one.snapshot === id);
    const end = endOf([...locks, ...disks]);
    const transport = transportOf(seen, locks, disks);
    if (end === undefined || transport === undefined) return [];
    const isIncremental = seen.walks.some((walk) => walk.snapshot === id && looksBack(walk));
    return [{ server, snapshot: id, transport, isIncremental, end }];
  });
}

export function findRestores(seen: Observation): readonly SeenRestore[] {
  const locks = seen.resources.filter((one) => one.type === 'restore' && one.actor !== undefined);
  const disks = seen.hotAdded.filter((one) => one.actor !== undefined && one.snapshot === undefined);
  const servers = new Set([...locks.map(({ server }) => server), ...disks.map(({ source }) => source)]);
  return [...servers].flatMap((server): SeenRestore[] => {
    const ownLocks = locks.filter((one) => one.server === server);
    const ownDisks = disks.filter(({ source }) => source === server);
    const end = endOf([...ownLocks, ...ownDisks]);
    const transport = transportOf(seen, ownLocks, ownDisks);
    if (end === undefined || transport === undefined) return [];
    return [{ server, isNew: isBorn(seen, server), transport, end }];
  });
}

/** `undefined` while one of them lives. */
function endOf(lives: readonly { readonly end: { readonly n: number } | undefined }[]): number | undefined {
  const ends = lives.map(({ end }) => end?.n);
  if (ends.length === 0 || ends.includes(undefined)) return undefined;
  return Math.max(...ends.map((n) => n ?? 0));
}

/** By what moved data; `undefined` when nothing did. */
function transportOf(
  { connections, guestIo }: Observation,
  locks: readonly ResourceLife[],
  disks: readonly HotAddedLife[],
): SeenTransport | undefined {
  const ids = new Set(disks.map(({ id }) => id));
  if (guestIo.some(({ disk }) => ids.has(disk))) return 'hotadd';
  const owners = new Set(locks.map(({ id }) => id));
  const used = connections.filter(
    ({ resource, requests }) => resource !== undefined && owners.has(resource.id) && requests.length > 0,
  );
  if (used.length === 0) return disks.length > 0 ? 'hotadd' : undefined;
  return used.some(({ isTls }) => isTls) ? 'nbdssl' : 'nbd';
}

/** A query from 0 asks for all that is valid, not for what has changed. */
function looksBack({ checkpoint }: AreaWalk): boolean {
  return checkpoint !== '0' && checkpoint !== '';
}

function isBorn({ states }: Observation, server: string): boolean {
  return states.some((one) => one.entity === 'server' && one.id === server && one.from === undefined);
}

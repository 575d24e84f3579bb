/**
 * Disks whose changes the engine itself has had tracked, kept in the repository from before it asks for that until the
 * server is no longer protected.
 *
 * Tracking costs every write of the guest, so whoever switched it on switches it off again. What was on before may
 * serve another product, and is left as it was found.
 */
import type { Json } from '../kernel/journal.ts';
import type { Repository } from '../repository/repository-api.ts';

export interface TrackingNote {
  readonly serverId: string;
  readonly serverName: string;
  /** Slots. */
  readonly disks: readonly string[];
}

const keyOf = (tag: string, serverId: string): string => `tracking-${tag}-${serverId}`;

/** Durable when it resolves. Disks that are noted already stay noted. */
export async function noteTracked(repository: Repository, tag: string, note: TrackingNote): Promise<void> {
  const key = keyOf(tag, note.serverId);
  const before = parseNote(await repository.readNote(key).catch(() => undefined))?.disks ?? [];
  const disks = [...new Set([...before, ...note.disks])];
  await repository.writeNote(key, { version: 1, ...note, disks });
}

/** One that does not read says nothing: then tracking is taken for somebody else's. */
export async function readTracked(
  repository: Repository,
  tag: string,
  serverId: string,
): Promise<readonly string[]> {
  return parseNote(await repository.readNote(keyOf(tag, serverId)).catch(() => undefined))?.disks ?? [];
}

export function forgetTracked(repository: Repository, tag: string, serverId: string): Promise<void> {
  return repository.removeNote(keyOf(tag, serverId));
}

/** Of servers that may not exist any more. */
export async function trackedServers(repository: Repository, tag: string): Promise<readonly TrackingNote[]> {
  const keys = (await repository.noteKeys()).filter((key) => key.startsWith(keyOf(tag, '')));
  const notes = await Promise.all(keys.map(async (key) => parseNote(await repository.readNote(key))));
  return notes.flatMap((note) => note ?? []);
}

function parseNote(value: Json | undefined): TrackingNote | undefined {
  const isNote =
    typeof value === 'object' &&
    value !== null &&
    'version' in value &&
    value.version === 1 &&
    'serverId' in value &&
    typeof value.serverId === 'string' &&
    'disks' in value &&
    Array.isArray(value.disks);
  return isNote ? (value as unknown as TrackingNote) : undefined;
}

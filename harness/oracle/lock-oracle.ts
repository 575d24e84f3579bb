/**
 * Verifies from the journal that the lock on a server (its backup resource) was respected by both sides:
 * - no bytes pass over a connection whose resource has ended, or of a disk that is detached (the platform's duty);
 * - a resource is not deleted while requests on its connections are unanswered (story F07);
 * - neither a resource nor a snapshot is deleted while a hot-added disk stands on it (F07, F33), unless its removal had
 *   been asked for: a guest may refuse to let go;
 * - a snapshot is not deleted while a resource still stands on it (the engine's duty: resource first); where the
 *   journal does not tell which one that is, every snapshot of the server counts.
 * It does not judge whether renewals came early enough; a lock that ran out shows in the job's result.
 */
import type { JournalEntry } from '../../src/kernel/journal.ts';

export interface LockViolation {
  readonly rule:
    | 'bytes-after-end'
    | 'deleted-while-reading'
    | 'deleted-while-attached'
    | 'snapshot-before-resource';
  readonly what: string;
  /** Position in the journal. */
  readonly at: number;
}

/** Names of the operations whose order is judged. */
export interface OperationNames {
  readonly deleteSnapshot: readonly string[];
  readonly deleteResource: readonly string[];
  readonly hotRemove: readonly string[];
}

interface Connection {
  readonly resource: string;
  readonly unanswered: Set<number>;
}

/** A disk that is attached to a proxy. */
interface Attachment {
  readonly disk: string;
  readonly proxy: string;
  readonly source: string;
  readonly resource: string;
  /** That it is a clone of; absent for the disk itself. */
  readonly snapshot: string | undefined;
  isRemovalAsked: boolean;
}

interface Holder {
  readonly server: string;
  readonly snapshot: string | undefined;
}

/** What the journal has told so far. */
interface Watch {
  readonly connections: Map<number, Connection>;
  /** Every resource that holds its server now. */
  readonly holders: Map<string, Holder>;
  readonly ended: Set<string>;
  /** By proxy and disk. */
  readonly attached: Map<string, Attachment>;
}

/** `actors`: the names under which the judged engine logs in; requests of others are not judged. */
export function findLockViolations(
  journal: readonly JournalEntry[],
  names: OperationNames,
  actors: ReadonlySet<string>,
): readonly LockViolation[] {
  const watch: Watch = { connections: new Map(), holders: new Map(), ended: new Set(), attached: new Map() };
  return journal.flatMap((entry) => {
    switch (entry.type) {
      case 'state':
        return followState(watch, entry);
      case 'nbd.option':
        return followOption(watch, entry);
      case 'nbd.request':
        // DISC has no answer.
        if (entry.command !== 'DISC') watch.connections.get(entry.connection)?.unanswered.add(entry.request);
        return [];
      case 'nbd.reply':
        return judgeReply(watch, entry);
      case 'nbd.close':
        watch.connections.delete(entry.connection);
        return [];
      case 'rest.request':
        return actors.has(entry.actor) ? judgeRequest(watch, entry, names) : [];
      case 'guest.io':
        return judgeGuestIo(watch, entry);
      default:
        return [];
    }
  });
}

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

function followState(watch: Watch, entry: Entry<'state'>): LockViolation[] {
  if (entry.entity === 'hot-added-disk') return followAttachment(watch, entry);
  if (entry.entity !== 'backup-resource') return [];
  if (entry.to === 'running' || entry.to === 'pending') {
    const snapshot = detailOf(entry)['snapshot'] ?? watch.holders.get(entry.id)?.snapshot;
    watch.holders.set(entry.id, { server: entry.server ?? '', snapshot: textOf(snapshot) });
  } else {
    watch.holders.delete(entry.id);
    watch.ended.add(entry.id);
  }
  return [];
}

function followAttachment({ attached }: Watch, entry: Entry<'state'>): LockViolation[] {
  const proxy = entry.server ?? '';
  if (entry.to !== 'attached') attached.delete(`${proxy}/${entry.id}`);
  else {
    const { source, resource, snapshot } = detailOf(entry);
    attached.set(`${proxy}/${entry.id}`, {
      disk: entry.id,
      proxy,
      source: String(source),
      resource: String(resource),
      snapshot: textOf(snapshot),
      isRemovalAsked: false,
    });
  }
  return [];
}

function detailOf({ detail }: Entry<'state'>): Readonly<Record<string, unknown>> {
  return (detail ?? {}) as Readonly<Record<string, unknown>>;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function judgeGuestIo({ attached }: Watch, entry: Entry<'guest.io'>): LockViolation[] {
  if (entry.error !== 0 || attached.has(`${entry.server}/${entry.disk}`)) return [];
  const what = `${entry.command} of ${entry.length} bytes on ${entry.device} after its disk was detached`;
  return [{ rule: 'bytes-after-end', what, at: entry.n }];
}

function followOption(watch: Watch, entry: Entry<'nbd.option'>): LockViolation[] {
  const opens = entry.option.includes('GO') || entry.option.includes('EXPORT_NAME');
  if (!opens || !entry.reply.includes('ACK') || entry.export === undefined) return [];
  const resource = entry.export.slice(0, entry.export.lastIndexOf('/'));
  watch.connections.set(entry.connection, { resource, unanswered: new Set() });
  return [];
}

function judgeReply(watch: Watch, entry: Entry<'nbd.reply'>): LockViolation[] {
  const connection = watch.connections.get(entry.connection);
  connection?.unanswered.delete(entry.request);
  if (connection === undefined || entry.error !== 0 || !watch.ended.has(connection.resource)) return [];
  const what = `connection ${entry.connection} got ${entry.bytes} bytes after ${connection.resource} had ended`;
  return [{ rule: 'bytes-after-end', what, at: entry.n }];
}

function judgeRequest(watch: Watch, entry: Entry<'rest.request'>, names: OperationNames): LockViolation[] {
  if (names.deleteResource.includes(entry.operation)) return judgeResourceDelete(watch, entry);
  if (names.deleteSnapshot.includes(entry.operation)) return judgeSnapshotDelete(watch, entry);
  if (names.hotRemove.includes(entry.operation)) noteRemoval(watch, entry);
  return [];
}

function judgeResourceDelete(watch: Watch, entry: Entry<'rest.request'>): LockViolation[] {
  const path = decodeURIComponent(entry.path);
  const stands = attachments(watch).find(({ resource }) => path.includes(resource));
  if (stands !== undefined) return [standsOn(stands, `resource ${stands.resource}`, entry.n)];
  const busy = [...watch.connections].find(([, c]) => path.includes(c.resource) && c.unanswered.size > 0);
  if (busy === undefined) return [];
  const what = `${busy[1].resource} was deleted with ${busy[1].unanswered.size} requests unanswered on connection ${busy[0]}`;
  return [{ rule: 'deleted-while-reading', what, at: entry.n }];
}

function judgeSnapshotDelete(watch: Watch, entry: Entry<'rest.request'>): LockViolation[] {
  const asked = `${entry.path} ${JSON.stringify(entry.body ?? '')}`;
  const clone = attachments(watch).find(({ snapshot }) => snapshot !== undefined && asked.includes(snapshot));
  if (clone !== undefined) return [standsOn(clone, `a snapshot of ${clone.source}`, entry.n)];
  const holder = [...watch.holders].find(([, { server, snapshot }]) =>
    snapshot === undefined ? server !== '' && entry.path.includes(server) : asked.includes(snapshot),
  );
  if (holder === undefined) return [];
  const what = `a snapshot of server ${holder[1].server} was deleted while backup resource ${holder[0]} held it`;
  return [{ rule: 'snapshot-before-resource', what, at: entry.n }];
}

/** Disks that nobody has asked the guest to let go. */
function attachments({ attached }: Watch): Attachment[] {
  return [...attached.values()].filter(({ isRemovalAsked }) => !isRemovalAsked);
}

/** HCI has ids of its own for proxies, which no state tells: a path that names none that is known may mean any. */
function noteRemoval({ attached }: Watch, entry: Entry<'rest.request'>): void {
  const body = JSON.stringify(entry.body ?? '');
  const asked = [...attached.values()].filter(({ disk }) => body.includes(disk));
  const there = [...attached.values()].filter(({ proxy }) => entry.path.includes(proxy));
  const isOfHci = entry.path.startsWith('/hci/') && there.length === 0;
  for (const attachment of asked) if (isOfHci || there.includes(attachment)) attachment.isRemovalAsked = true;
}

function standsOn({ disk, proxy }: Attachment, deleted: string, at: number): LockViolation {
  return {
    rule: 'deleted-while-attached',
    what: `${deleted} was deleted while disk ${disk} was attached to ${proxy}`,
    at,
  };
}

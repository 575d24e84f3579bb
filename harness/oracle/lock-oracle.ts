/**
 * Verifies from the journal that the lock on a server (its backup resource) was respected by both sides:
 * - no bytes pass over a connection whose resource has ended (the platform's duty);
 * - a resource is not deleted while requests on its connections are unanswered (stories F07);
 * - a snapshot is not deleted while a resource still holds its server (the engine's duty: resource first).
 * It does not judge whether renewals came early enough; a lock that ran out shows in the job's result.
 */
import type { JournalEntry } from '../../src/kernel/journal.ts';

export interface LockViolation {
  readonly rule: 'bytes-after-end' | 'deleted-while-reading' | 'snapshot-before-resource';
  readonly what: string;
  /** Position in the journal. */
  readonly at: number;
}

/** Names of the operations whose order is judged. */
export interface OperationNames {
  readonly deleteSnapshot: readonly string[];
  readonly deleteResource: readonly string[];
}

interface Connection {
  readonly resource: string;
  readonly unanswered: Set<number>;
}

/** What the journal has told so far. */
interface Watch {
  readonly connections: Map<number, Connection>;
  /** Server of every resource that holds it now. */
  readonly holders: Map<string, string>;
  readonly ended: Set<string>;
}

/** `actors`: the names under which the judged engine logs in; requests of others are not judged. */
export function findLockViolations(
  journal: readonly JournalEntry[],
  names: OperationNames,
  actors: ReadonlySet<string>,
): readonly LockViolation[] {
  const watch: Watch = { connections: new Map(), holders: new Map(), ended: new Set() };
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
      default:
        return [];
    }
  });
}

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;

function followState(watch: Watch, entry: Entry<'state'>): LockViolation[] {
  if (entry.entity !== 'backup-resource') return [];
  if (entry.to === 'running' || entry.to === 'pending') {
    watch.holders.set(entry.id, entry.server ?? '');
  } else {
    watch.holders.delete(entry.id);
    watch.ended.add(entry.id);
  }
  return [];
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
  return [];
}

function judgeResourceDelete(watch: Watch, entry: Entry<'rest.request'>): LockViolation[] {
  const path = decodeURIComponent(entry.path);
  const busy = [...watch.connections].find(([, c]) => path.includes(c.resource) && c.unanswered.size > 0);
  if (busy === undefined) return [];
  const what = `${busy[1].resource} was deleted with ${busy[1].unanswered.size} requests unanswered on connection ${busy[0]}`;
  return [{ rule: 'deleted-while-reading', what, at: entry.n }];
}

function judgeSnapshotDelete(watch: Watch, entry: Entry<'rest.request'>): LockViolation[] {
  const holder = [...watch.holders].find(([, server]) => server !== '' && entry.path.includes(server));
  if (holder === undefined) return [];
  const what = `a snapshot of server ${holder[1]} was deleted while backup resource ${holder[0]} held it`;
  return [{ rule: 'snapshot-before-resource', what, at: entry.n }];
}

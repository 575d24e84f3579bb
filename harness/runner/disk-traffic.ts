/** What a journal tells of one disk in the jobs that led to a comparison that failed. */
import type { JournalEntry } from '../../src/kernel/journal.ts';

export interface Extent {
  readonly offset: number;
  readonly length: number;
}

interface DiskTraffic {
  /** What the answers to the question what has changed are about. */
  readonly asked: readonly Extent[];
  readonly changed: readonly Extent[];
  readonly read: readonly Extent[];
  readonly written: readonly Extent[];
  /** An answer was too long for the journal; what it said has changed is not known here. */
  readonly isAnswerLong: boolean;
}

type Entry<Type extends JournalEntry['type']> = Extract<JournalEntry, { type: Type }>;
type Compared = Entry<'compared'>;
type Job = Entry<'job'>;

/** By the first comparison that found differences; nothing when there was none. */
export function readTraffic(journal: readonly JournalEntry[], device: string): DiskTraffic {
  const compared = journal.find(
    (entry): entry is Compared => entry.type === 'compared' && entry.differences > 0,
  );
  const backup = compared === undefined ? [] : backupOf(journal, compared);
  const source = backup.find((entry): entry is Job => entry.type === 'job')?.server ?? '';
  const restore = compared?.what === 'server' ? restoreOf(journal, compared) : [];
  const target = compared?.server ?? '';
  const isOn = exportsOf(journal, device);
  const answers = changedAreas(backup, source, device);
  return {
    asked: answers.flatMap(({ asked }) => asked),
    changed: answers.flatMap(({ changed }) => changed ?? []),
    isAnswerLong: answers.some(({ changed }) => changed === undefined),
    read: requests(backup, /^READ$/, (entry) => isOn(entry, source)),
    written: requests(restore, /^(WRITE|TRIM)/, (entry) => isOn(entry, target)),
  };
}

/** The job that made the point, from its beginning to its end; else the last backup before the comparison. */
function backupOf(journal: readonly JournalEntry[], { n, point }: Compared): readonly JournalEntry[] {
  const jobs = journal.filter(
    (entry): entry is Job => entry.type === 'job' && entry.operation === 'backup' && entry.n < n,
  );
  const end = jobs.findLast((job) => job.point === point) ?? jobs.at(-1);
  return spanOf(journal, end, n);
}

function restoreOf(journal: readonly JournalEntry[], { n }: Compared): readonly JournalEntry[] {
  const last = journal.findLast(
    (entry): entry is Job => entry.type === 'job' && entry.operation === 'restore' && entry.n < n,
  );
  return spanOf(journal, last, n);
}

function spanOf(
  journal: readonly JournalEntry[],
  job: Job | undefined,
  before: number,
): readonly JournalEntry[] {
  const own = journal.filter(
    (entry): entry is Job => entry.type === 'job' && entry.job === job?.job && entry.n < before,
  );
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) return [];
  const to = last === first ? before : last.n;
  return journal.filter(({ n }) => n >= first.n && n <= to);
}

interface Answer {
  readonly asked: readonly Extent[];
  /** `undefined` where the journal did not keep it. */
  readonly changed: readonly Extent[] | undefined;
}

function changedAreas(entries: readonly JournalEntry[], server: string, device: string): readonly Answer[] {
  const calls = new Set<number>();
  return entries.flatMap((entry) => {
    if (entry.type === 'rest.request' && entry.operation === 'cbt.changed-areas') {
      if (entry.path.includes(server) && entry.query['disk_id'] === device) calls.add(entry.call);
    }
    const isAnswer = entry.type === 'rest.reply' && calls.has(entry.call) && entry.status < 300;
    return isAnswer ? [{ asked: askedIn(entry.data), changed: areasIn(entry.data) }] : [];
  });
}

function askedIn(data: unknown): readonly Extent[] {
  const { start_offset: offset, length } = (data ?? {}) as { start_offset?: number; length?: number };
  return offset === undefined || length === undefined ? [] : [{ offset, length }];
}

function areasIn(data: unknown): readonly Extent[] | undefined {
  if (typeof data !== 'object' || data === null || !('changed_area' in data)) return undefined;
  const areas = data.changed_area as readonly { readonly start: number; readonly length: number }[];
  return areas.map(({ start, length }) => ({ offset: start, length }));
}

function requests(
  entries: readonly JournalEntry[],
  command: RegExp,
  isOn: (entry: JournalEntry) => boolean,
): readonly Extent[] {
  return entries.flatMap((entry) => {
    if (entry.type !== 'nbd.request' && entry.type !== 'guest.io') return [];
    if (!command.test(entry.command) || !isOn(entry)) return [];
    return [{ offset: entry.offset, length: entry.length }];
  });
}

/** Tells whether a request went to the slot `device` of a server: over NBD, or by a disk of it that is hot-added. */
function exportsOf(
  journal: readonly JournalEntry[],
  device: string,
): (entry: JournalEntry, server: string) => boolean {
  const servers = new Map<string, string>();
  const disks = new Map<string, string>();
  const connections = new Map<number, string>();
  for (const entry of journal) {
    if (entry.type === 'state' && entry.entity === 'backup-resource')
      servers.set(entry.id, entry.server ?? '');
    if (entry.type === 'state' && entry.entity === 'hot-added-disk') {
      const { source, device: slot } = (entry.detail ?? {}) as { source?: string; device?: string };
      if (slot === device) disks.set(entry.id, source ?? '');
    }
    if (entry.type === 'nbd.option' && entry.export !== undefined) {
      const at = entry.export.lastIndexOf('/');
      const isIt = entry.export.slice(at + 1) === device;
      connections.set(entry.connection, isIt ? (servers.get(entry.export.slice(0, at)) ?? '') : '');
    }
  }
  return (entry, server) => {
    if (entry.type === 'nbd.request') return connections.get(entry.connection) === server;
    return entry.type === 'guest.io' && disks.get(entry.disk) === server;
  };
}

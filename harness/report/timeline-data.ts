/** The timeline of one run for a report: lanes, and rows few enough to be sent by mail. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { TimelineData, TimelineRow } from '../runner/run-evidence.ts';
import { addUp } from './timeline.ts';
import { type Cast, type Lane, type Mark, markOf } from './timeline-marks.ts';

export interface TimelineWords {
  readonly startMs: number;
  /** Short names of servers and disks, by id. */
  readonly names: ReadonlyMap<string, string>;
  /** What no journal tells of: steps and kills of engines. */
  readonly marks: readonly Mark[];
  /** Positions that prove something: they stay in, whatever they are. */
  readonly proofs: ReadonlySet<number>;
}

const LANES: readonly Lane[] = [
  { key: 'engine', title: 'Engine', weight: 1 },
  { key: 'other', title: 'REST', weight: 1 },
  { key: 'tasks', title: 'Tasks', weight: 1 },
  { key: 'locks', title: 'Locks', weight: 1 },
  { key: 'nbd', title: 'NBD', weight: 1 },
  { key: 'guests', title: 'HotAdd', weight: 1 },
];

export function timelineData(journal: readonly JournalEntry[], words: TimelineWords): TimelineData {
  const { startMs, names, proofs } = words;
  const cast: Cast = { lanes: LANES, startMs, owners: new Map(), names };
  const told = journal.flatMap((entry) => markEntry(entry, cast, proofs));
  // The sort is stable: of one position, what came before the entry stays before it.
  const marks = addUp([...words.marks, ...told].toSorted((a, b) => a.n - b.n));
  const lanes = LANES.filter(({ key }) => marks.some(({ lane }) => lane === key));
  const rows = marks
    .filter(({ lane }) => lanes.some(({ key }) => key === lane))
    .map((mark) => rowOf(mark, lanes, startMs));
  const kept = keepImportant(rows, proofs);
  return {
    lanes: lanes.map(({ key, title }) => ({ key, title })),
    rows: kept,
    omitted: rows.length - kept.length,
  };
}

function markEntry(entry: JournalEntry, cast: Cast, proofs: ReadonlySet<number>): readonly Mark[] {
  const marks = markOf(entry, cast);
  const tone = toneOf(entry);
  if (marks.length === 0 && proofs.has(entry.n)) return [proofMark(entry)];
  return marks.map((mark) => {
    // What proves something stands alone, so that one can jump to it.
    const { counts, ...rest } = mark;
    const isCounted = counts !== undefined && !proofs.has(entry.n);
    return { ...rest, ...(isCounted ? { counts } : {}), ...(tone === undefined ? {} : { tone }) };
  });
}

function proofMark(entry: JournalEntry): Mark {
  const { n, t } = entry;
  switch (entry.type) {
    case 'rest.request':
    case 'rest.reply': {
      const text = entry.type === 'rest.request' ? entry.method : `answer ${entry.status}`;
      return { n, t, lane: 'other', text: `${text} ${entry.operation}` };
    }
    case 'nbd.option':
      return { n, t, lane: 'nbd', text: `connection ${entry.connection} ${entry.option}: ${entry.reply}` };
    case 'nbd.request': {
      const { connection, command, offset, length } = entry;
      return { n, t, lane: 'nbd', text: `connection ${connection} ${command} ${length} at ${offset}` };
    }
    default:
      return { n, t, lane: LANE_OF[entry.type] ?? 'engine', text: entry.type };
  }
}

const LANE_OF: Readonly<Partial<Record<JournalEntry['type'], string>>> = { task: 'tasks', state: 'locks' };

function toneOf(entry: JournalEntry): Mark['tone'] {
  switch (entry.type) {
    case 'fault.fired':
      return 'fault';
    case 'rest.reply':
      return entry.isLost === true || entry.status >= 400 ? 'bad' : undefined;
    case 'task':
      return entry.status === 'failure' ? 'bad' : undefined;
    case 'nbd.reply':
    case 'guest.io':
      return entry.error === 0 ? undefined : 'bad';
    case 'state':
      return entry.entity === 'backup-resource' && entry.to === 'expired' ? 'bad' : undefined;
    case 'job':
      return entry.phase === 'fails' ? 'bad' : entry.phase === 'killed' ? 'fault' : undefined;
    case 'compared':
      return entry.differences > 0 ? 'bad' : undefined;
    default:
      return undefined;
  }
}

function rowOf(
  { n, t, lane, text, tone, begins, ends }: Mark,
  lanes: readonly Lane[],
  startMs: number,
): TimelineRow {
  return {
    n,
    ms: t - startMs,
    lane: lanes.findIndex(({ key }) => key === lane),
    text: text.length <= LONGEST_TEXT ? text : `${text.slice(0, LONGEST_TEXT - 1)}…`,
    ...(tone === undefined ? {} : { tone }),
    ...(begins === undefined ? {} : { begins }),
    ...(ends === undefined ? {} : { ends }),
  };
}

const LONGEST_TEXT = 240;
/** A hundred failures of so many rows still open at once in a browser. */
const MOST_ROWS = 160;
const FIRST_ROWS = 25;
const AROUND = 2;

/** The beginning, what stands out with its neighbours, and as much of the end as there is room for. */
function keepImportant(rows: readonly TimelineRow[], proofs: ReadonlySet<number>): readonly TimelineRow[] {
  if (rows.length <= MOST_ROWS) return rows;
  const kept = new Set(Array.from({ length: FIRST_ROWS }, (_, at) => at));
  const marked = rows.flatMap(({ n, tone }, at) => (tone !== undefined || proofs.has(n) ? [at] : []));
  for (const at of marked.slice(-MOST_ROWS / 4))
    for (let near = at - AROUND; near <= at + AROUND; near++) kept.add(near);
  for (let at = rows.length - 1; kept.size < MOST_ROWS && at >= 0; at--) kept.add(at);
  return rows.filter((_, at) => kept.has(at));
}

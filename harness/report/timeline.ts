/**
 * A journal as a picture of text: time goes down, one lane for each actor and one each for tasks, guests and locks.
 *
 * What happened stands in its lane; a bar below it says that it is still going on. Calls that only look are left out
 * unless they were refused, and reads of a guest are added up, so that what races stands close together.
 */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import { type Cast, markOf, type Mark, withTasks } from './timeline-marks.ts';

export interface TimelineOptions {
  readonly cast: Cast;
  /** Width of a line; 100 when absent. */
  readonly columns?: number;
  /** What no journal tells of, in its order; each stands before the entry with its position. */
  readonly marks?: readonly Mark[];
  /** Only entries from this position of the journal on ... */
  readonly from?: number;
  /** ... up to this one, both included. */
  readonly to?: number;
}

/** Lines, the first of them the names of the lanes. Empty when nothing worth showing happened. */
export function renderTimeline(journal: readonly JournalEntry[], options: TimelineOptions): string {
  const { columns = 100, from = 0, to = Number.POSITIVE_INFINITY } = options;
  const cast = withTasks(journal, options.cast);
  const known = new Set(cast.lanes.map(({ key }) => key));
  const told = journal.flatMap((entry) => markOf(entry, cast));
  // The sort is stable: of one position, what came before the entry stays before it.
  const marks = [...(options.marks ?? []), ...told].toSorted((a, b) => a.n - b.n);
  const rows = addUp(marks.filter(({ n, lane }) => n <= to && known.has(lane)));
  const lanes = cast.lanes.filter(({ key }) => rows.some((row) => row.lane === key && row.n >= from));
  if (lanes.length === 0) return '';
  const widths = laneWidths(lanes, columns - TIME_WIDTH);
  const line = (time: string, cells: readonly string[]): string =>
    [time.padStart(TIME_WIDTH), ...cells.map((cell, at) => cell.padEnd(widths[at] ?? 0))]
      .join('  ')
      .trimEnd();
  const lines = [
    line(
      'seconds',
      lanes.map(({ title }, at) => wrap(title, widths[at] ?? 0)[0] ?? ''),
    ),
    line(
      '',
      widths.map((width) => '-'.repeat(width)),
    ),
  ];
  const open = new Map<string, string>();
  let shownMs = Number.NaN;
  for (const mark of rows) {
    if (mark.n >= from) {
      const time = mark.t === shownMs ? '' : ((mark.t - cast.startMs) / 1000).toFixed(3);
      shownMs = mark.t;
      const busy = new Set(open.values());
      const width = widths[lanes.findIndex(({ key }) => key === mark.lane)] ?? 0;
      for (const [at, text] of wrap(mark.text, width).entries())
        lines.push(
          line(
            at === 0 ? time : '',
            lanes.map(({ key }) => (key === mark.lane ? text : busy.has(key) ? '|' : '')),
          ),
        );
    }
    if (mark.begins !== undefined) open.set(mark.begins, mark.lane);
    for (const ended of mark.ends ?? []) open.delete(ended);
  }
  return lines.join('\n');
}

const TIME_WIDTH = 8;

/** Lanes share the line by their weights; two columns stand between them. */
function laneWidths(lanes: Cast['lanes'], columns: number): readonly number[] {
  const room = columns - 2 * lanes.length;
  const sum = lanes.reduce((total, { weight }) => total + weight, 0);
  return lanes.map(({ weight }) => Math.max(6, Math.floor((room * weight) / sum)));
}

/** The text on lines of this width, broken between words where there are any; more than four are cut off. */
function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ').flatMap((long) => chop(long, width))) {
    const last = lines.at(-1) ?? '';
    const longer = last === '' ? word : `${last} ${word}`;
    if (longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length <= MOST_LINES) return lines;
  return [...lines.slice(0, MOST_LINES - 1), `${(lines[MOST_LINES - 1] ?? '').slice(0, width - 1)}…`];
}

const MOST_LINES = 4;

function chop(word: string, width: number): readonly string[] {
  const pieces = Math.max(1, Math.ceil(word.length / width));
  return Array.from({ length: pieces }, (_, at) => word.slice(at * width, (at + 1) * width));
}

/** Runs of marks that count become one each: `reads vdb, 12x`. */
export function addUp(marks: readonly Mark[]): readonly Mark[] {
  const rows: Mark[] = [];
  let count = 0;
  for (const mark of marks) {
    const last = rows.at(-1);
    if (mark.counts !== undefined && last?.counts === mark.counts) {
      count++;
      rows[rows.length - 1] = { ...last, text: `${mark.counts} ${count}x` };
    } else {
      count = 1;
      rows.push(mark);
    }
  }
  return rows;
}

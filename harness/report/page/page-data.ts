/** What the page's script draws: timelines and disks, small, and safe inside of a script element. */
import type { TimelineData } from '../../runner/run-evidence.ts';
import type { Report } from '../report.ts';
import { scriptSafeJson } from '../sweep-page-data.ts';

/** Position, milliseconds, lane, text, tone, what begins, what ends. What is missing at the end is left out. */
type PackedRow = readonly (number | string | readonly string[] | null)[];

interface PageData {
  readonly timelines: Readonly<
    Record<
      string,
      { readonly lanes: readonly string[]; readonly rows: readonly PackedRow[]; readonly omitted: number }
    >
  >;
  /** By result and finding: `3.0`. */
  readonly disks: Readonly<Record<string, unknown>>;
}

export function pageData({ results }: Report): string {
  const timelines = results.flatMap(({ timeline }, index) =>
    timeline === undefined ? [] : [[`${index}`, packTimeline(timeline)] as const],
  );
  const disks = results.flatMap(({ findings }, index) =>
    findings.flatMap(({ disk }, at) => (disk === undefined ? [] : [[`${index}.${at}`, disk] as const])),
  );
  const data: PageData = { timelines: Object.fromEntries(timelines), disks: Object.fromEntries(disks) };
  return scriptSafeJson(data);
}

function packTimeline({ lanes, rows, omitted }: TimelineData): PageData['timelines'][string] {
  return {
    lanes: lanes.map(({ title }) => title),
    omitted,
    rows: rows.map(({ n, ms, lane, text, tone, begins, ends }) => {
      const packed = [n, ms, lane, text, tone ?? null, begins ?? null, ends ?? null];
      const last = packed.findLastIndex((value) => value !== null);
      return packed.slice(0, last + 1);
    }),
  };
}

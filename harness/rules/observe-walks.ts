/** Groups queries for changed areas: one walk is what an engine asks about one disk, from its beginning to its end. */
import type { AreaQuery, AreaWalk, Call, SnapshotLife } from './observation.ts';
import { isToldDone } from './read-calls.ts';
import { numberOf, textOf } from './read-json.ts';

type Growing = Omit<AreaWalk, 'queries'> & { readonly queries: AreaQuery[] };

export function findWalks(calls: readonly Call[], snapshots: readonly SnapshotLife[]): readonly AreaWalk[] {
  const walks: Growing[] = [];
  const open = new Map<string, Growing>();
  const known = new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
  for (const call of calls) {
    if (call.operation !== 'cbt.changed-areas') continue;
    const walk = walkOf(call, known);
    const key = JSON.stringify([walk.actor, walk.server, walk.snapshot, walk.disk, walk.checkpoint]);
    const query = queryOf(call);
    const before = open.get(key);
    const goesOn = before !== undefined && (query.startOffset !== 0 || hasNoPage(before));
    const current = goesOn ? before : walk;
    if (!goesOn) walks.push(current);
    open.set(key, current);
    current.queries.push(query);
  }
  return walks;
}

/** Nothing has come of it yet: a query for the beginning repeats the first one. */
function hasNoPage({ queries }: AreaWalk): boolean {
  return queries.every(({ page }) => page === undefined);
}

function walkOf(call: Call, snapshots: ReadonlyMap<string, SnapshotLife>): Growing {
  const { n, t, actor, query, server = '' } = call;
  const word = (name: string): string => textOf(query, name) ?? '';
  const snapshot = word('snapshot_id');
  const disk = word('disk_id');
  const diskBytes = snapshots.get(snapshot)?.disks.find(({ id }) => id === disk)?.bytes;
  return { n, t, actor, server, snapshot, disk, checkpoint: word('checkpoint_id'), queries: [], diskBytes };
}

function queryOf(call: Call): AreaQuery {
  const startOffset = numberOf(call.query, 'start_offset') ?? 0;
  const data = call.reply?.data;
  const length = numberOf(data, 'length');
  const page =
    isToldDone(call) && length !== undefined
      ? { startOffset: numberOf(data, 'start_offset') ?? startOffset, length }
      : undefined;
  return { call, startOffset, page };
}

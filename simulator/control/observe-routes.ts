/** What there is and what happened: inventory, journal, numbers. */
import { ApiError } from '../../src/contract/errors.ts';
import { toJsonLine } from '../../src/kernel/journal.ts';
import type { ControlCall, ControlRoute } from './control-api.ts';
import { worldOf } from './find-world.ts';
import { followJournal } from './follow-journal.ts';

const LINES = 'application/x-ndjson';

export const OBSERVE_ROUTES: readonly ControlRoute[] = [
  {
    method: 'GET',
    path: '/health',
    summary: 'Says that the simulator is there',
    run: ({ host }) => ({ status: 'ok', version: host.version, worlds: host.worlds().length }),
  },
  {
    method: 'GET',
    path: '/metrics',
    summary: 'Numbers in the Prometheus text format',
    produces: 'text/plain; version=0.0.4',
    run: metrics,
  },
  {
    method: 'GET',
    path: '/worlds/:world/inventory',
    summary: 'Everything in the world, as it is now',
    run: inventory,
  },
  {
    method: 'GET',
    path: '/worlds/:world/journal',
    summary: 'The journal as JSON lines, oldest first; with follow=true the answer goes on as things happen',
    query: {
      from: { type: 'integer', description: 'number of the first entry wanted; 0 when absent' },
      limit: { type: 'integer', description: 'most entries in the answer' },
      follow: { type: 'boolean', description: 'true: stay connected and send what happens' },
    },
    produces: LINES,
    run: journal,
  },
  {
    method: 'GET',
    path: '/worlds/:world/journal/hash',
    summary: 'SHA-256 of the journal; equal for equal runs',
    run: (call) => {
      const { world } = worldOf(call);
      return { hash: world.journal.hash(), entries: world.journal.length };
    },
  },
];

function inventory(call: ControlCall) {
  const { world } = worldOf(call);
  world.settle();
  return {
    pools: world.pools,
    clusters: world.clusters,
    hosts: world.hosts,
    datastores: world.datastores,
    servers: world.servers.list().map((server) => ({
      ...server,
      cbt: world.cbt.status(server.id),
      snapshots: world.snapshots
        .list(server.id)
        .map(({ id, name, checkpointId }) => ({ id, name, checkpointId })),
    })),
  };
}

function journal(call: ControlCall) {
  const { world } = worldOf(call);
  const from = Number(call.query['from'] ?? 0);
  if (call.query['follow'] === true) return followJournal(world.journal, from, call.reply);
  const first = world.journal.entries[0]?.n ?? 0;
  if (from < first && call.query['from'] !== undefined)
    throw new ApiError('INVALID_PARAMETER', `from: entries before ${first} are no longer kept`);
  const limit = Number(call.query['limit'] ?? Number.POSITIVE_INFINITY);
  const start = Math.max(0, from - first);
  return world.journal.entries
    .slice(start, start + limit)
    .map(toJsonLine)
    .join('');
}

function metrics({ host }: ControlCall): string {
  const totals = { worlds: host.worlds().length, ...host.totals() };
  const lines = Object.entries(totals).flatMap(([name, value]) => {
    const metric = `backlot_${name}`;
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    return [`# TYPE ${metric} ${type}`, `${metric} ${value}`];
  });
  return `${lines.join('\n')}\n`;
}

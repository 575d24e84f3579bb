/** Worlds and their clocks. */
import { ApiError } from '../../src/contract/errors.ts';
import { formatUtc } from '../../src/contract/timestamps.ts';
import type { ShapeSchema } from '../inventory/check-shape.ts';
import { CLOCK_MODE_HELP, parseClockMode } from './clock-mode.ts';
import type { ControlCall, ControlledWorld, ControlRoute, WorldRequest } from './control-api.ts';
import { worldOf } from './find-world.ts';

/** A century: enough for any lease, and far from where dates end. */
const LONGEST_ADVANCE_MS = 100 * 365 * 86_400_000;

const MODE: ShapeSchema = {
  type: 'string',
  pattern: '^(real|virtual|manual|x\\d+(\\.\\d+)?)$',
  description: CLOCK_MODE_HELP,
};

const NEW_WORLD: ShapeSchema = {
  type: 'object',
  properties: {
    id: { type: 'string', pattern: '^[A-Za-z0-9_.-]{1,64}$', description: '1 to 64 of A-Z a-z 0-9 _ . -' },
    seed: { type: 'string', minLength: 1, maxLength: 200, description: 'text of 1 to 200 characters' },
    clock: MODE,
    preset: { enum: ['tiny', 'lab', 'datacenter'] },
    inventory: { type: 'object', description: 'an inventory as in a file' },
    settings: { type: 'object', description: 'settings of the world' },
  },
};

const ADVANCE: ShapeSchema = {
  type: 'object',
  properties: {
    ms: { type: 'integer', minimum: 0, maximum: LONGEST_ADVANCE_MS, description: 'milliseconds from 0 on' },
    seconds: {
      type: 'number',
      minimum: 0,
      maximum: LONGEST_ADVANCE_MS / 1000,
      description: 'seconds from 0 on',
    },
  },
};

export const WORLD_ROUTES: readonly ControlRoute[] = [
  {
    method: 'GET',
    path: '/worlds',
    summary: 'Lists the worlds',
    run: ({ host }) => host.worlds().map(viewOf),
  },
  {
    method: 'POST',
    path: '/worlds',
    summary: 'Creates a world, from a preset (tiny when nothing is said) or an inventory',
    body: NEW_WORLD,
    run: createWorld,
  },
  { method: 'GET', path: '/worlds/:world', summary: 'Shows a world', run: (call) => viewOf(worldOf(call)) },
  {
    method: 'DELETE',
    path: '/worlds/:world',
    summary: 'Ends a world: its connections are cut, its credentials stop working',
    run: removeWorld,
  },
  {
    method: 'GET',
    path: '/worlds/:world/clock',
    summary: "Reads the world's clock",
    run: (call) => clockOf(worldOf(call)),
  },
  {
    method: 'PUT',
    path: '/worlds/:world/clock',
    summary: 'Sets how time goes from now on',
    body: { type: 'object', required: ['mode'], properties: { mode: MODE } },
    run: setMode,
  },
  {
    method: 'POST',
    path: '/worlds/:world/clock/advance',
    summary: 'Moves time on, stopping at everything that is due on the way',
    body: ADVANCE,
    run: advance,
  },
];

async function createWorld({ host, body, reply }: ControlCall) {
  const request = body as WorldRequest;
  if (request.preset !== undefined && request.inventory !== undefined)
    throw new ApiError('INVALID_PARAMETER', 'give either preset or inventory, not both');
  const created = await host.createWorld(request);
  reply.code(201);
  return viewOf(created);
}

async function removeWorld(call: ControlCall) {
  await call.host.removeWorld(worldOf(call).world.id);
  return { removed: true };
}

async function setMode(call: ControlCall) {
  const controlled = worldOf(call);
  const mode = parseClockMode((call.body as { mode: string }).mode);
  if (mode === undefined) throw new ApiError('INVALID_PARAMETER', `mode: must be ${CLOCK_MODE_HELP}`);
  await controlled.steering.setMode(mode);
  return clockOf(controlled);
}

async function advance(call: ControlCall) {
  const controlled = worldOf(call);
  const { ms, seconds } = call.body as { ms?: number; seconds?: number };
  if ((ms === undefined) === (seconds === undefined))
    throw new ApiError('INVALID_PARAMETER', 'give either ms or seconds');
  await controlled.steering.advance(ms ?? Math.round((seconds ?? 0) * 1000));
  return clockOf(controlled);
}

function clockOf({ steering }: ControlledWorld) {
  const nowMs = steering.now();
  const nextMs = steering.nextTimerMs();
  return {
    mode: steering.mode,
    nowMs,
    now: formatUtc(nowMs),
    ...(nextMs === undefined ? {} : { nextDueMs: nextMs }),
  };
}

function viewOf(controlled: ControlledWorld) {
  const { world } = controlled;
  return {
    id: world.id,
    seed: world.seed,
    clock: clockOf(controlled),
    pools: world.pools.length,
    clusters: world.clusters.length,
    hosts: world.hosts.length,
    datastores: world.datastores.length,
    servers: world.servers.list().length,
    journalEntries: world.journal.length,
    // The control interface is for whoever runs the simulator; these logins open nothing else.
    credentials: world.credentials,
  };
}

/** What the operating system inside a server would do to its disks. */
import { ApiError } from '../../src/contract/errors.ts';
import { createRng } from '../../src/kernel/rng.ts';
import type { Guest } from '../domain/world-api.ts';
import type { ShapeSchema } from '../inventory/check-shape.ts';
import type { ControlCall, ControlRoute } from './control-api.ts';
import { checkRange, diskOf } from './find-world.ts';
import { planWorkload, WORKLOAD_KINDS, type WorkloadKind, type WorkloadStep } from './workloads.ts';

/** Most bytes of one read; write sizes are bounded by the listener's body limit. */
const LONGEST_READ_BYTES = 64 * 2 ** 20;
const MOST_STEPS = 1_000_000;
const DISK = '/worlds/:world/servers/:server/disks/:disk';

const OFFSET = { type: 'integer', isRequired: true, description: 'first byte on the disk' } as const;
const LENGTH = { type: 'integer', isRequired: true, description: 'number of bytes' } as const;

const RANGE: ShapeSchema = {
  type: 'object',
  required: ['offset', 'length'],
  properties: {
    offset: { type: 'integer', minimum: 0, description: 'first byte on the disk' },
    length: { type: 'integer', minimum: 0, description: 'number of bytes' },
  },
};

const WORKLOAD: ShapeSchema = {
  type: 'object',
  required: ['kind', 'count'],
  properties: {
    kind: {
      enum: Object.keys(WORKLOAD_KINDS),
      description: Object.entries(WORKLOAD_KINDS)
        .map(([kind, what]) => `${kind} (${what})`)
        .join(', '),
    },
    count: { type: 'integer', minimum: 0, maximum: MOST_STEPS, description: 'blocks, pieces or runs' },
    seed: { type: 'string', description: 'text; the same text writes the same' },
  },
};

export const GUEST_ROUTES: readonly ControlRoute[] = [
  {
    method: 'POST',
    path: `${DISK}/write`,
    summary: 'Writes the bytes of the body at an offset, as the guest would',
    query: { offset: OFFSET },
    isBinaryBody: true,
    run: write,
  },
  {
    method: 'GET',
    path: `${DISK}/read`,
    summary: 'Reads bytes of the live disk',
    query: { offset: OFFSET, length: LENGTH },
    produces: 'application/octet-stream',
    run: read,
  },
  {
    method: 'GET',
    path: '/worlds/:world/servers/:server/snapshots/:snapshot/disks/:disk/read',
    summary: "Reads bytes of a snapshot's disk",
    query: { offset: OFFSET, length: LENGTH },
    produces: 'application/octet-stream',
    run: readSnapshot,
  },
  {
    method: 'POST',
    path: `${DISK}/zero`,
    summary: 'Makes a range read as zeros',
    body: RANGE,
    run: (call) => clear(call, 'zero'),
  },
  {
    method: 'POST',
    path: `${DISK}/trim`,
    summary: 'Gives a range back: it becomes a hole',
    body: RANGE,
    run: (call) => clear(call, 'trim'),
  },
  {
    method: 'POST',
    path: `${DISK}/workload`,
    summary: 'Writes as a seeded workload does',
    body: WORKLOAD,
    run: runWorkload,
  },
];

async function write(call: ControlCall) {
  const { world, server, disk } = diskOf(call);
  const data = call.body instanceof Uint8Array ? call.body : new Uint8Array();
  const offset = Number(call.query['offset']);
  checkRange(disk, offset, data.length);
  await world.guest.write(server.id, disk.deviceId, offset, data);
  return { written: data.length };
}

async function read(call: ControlCall) {
  const { world, server, disk } = diskOf(call);
  const { offset, length } = readRange(call);
  checkRange(disk, offset, length);
  return asBuffer(await world.guest.read(server.id, disk.deviceId, offset, length));
}

async function readSnapshot(call: ControlCall) {
  const { world, server, disk } = diskOf(call);
  const { offset, length } = readRange(call);
  checkRange(disk, offset, length);
  const snapshot = call.params['snapshot'] ?? '';
  return asBuffer(await world.guest.readSnapshot(server.id, snapshot, disk.deviceId, offset, length));
}

function readRange({ query }: ControlCall): { offset: number; length: number } {
  const length = Number(query['length']);
  if (length > LONGEST_READ_BYTES)
    throw new ApiError('INVALID_PARAMETER', `length: at most ${LONGEST_READ_BYTES} bytes in one read`);
  return { offset: Number(query['offset']), length };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

async function clear(call: ControlCall, kind: 'zero' | 'trim') {
  const { world, server, disk } = diskOf(call);
  const { offset, length } = call.body as { offset: number; length: number };
  checkRange(disk, offset, length);
  await world.guest[kind](server.id, disk.deviceId, offset, length);
  return { cleared: length };
}

async function runWorkload(call: ControlCall) {
  const { world, server, disk } = diskOf(call);
  const { kind, count, seed } = call.body as { kind: WorkloadKind; count: number; seed?: string };
  const plan = planWorkload(
    { kind, count },
    { sizeBytes: disk.sizeBytes, blockBytes: world.settings.granularityBytes },
    createRng(seed ?? `${world.seed}/workload/${server.id}/${disk.deviceId}`),
  );
  let steps = 0;
  for (const step of plan) {
    await carryOut(step, world.guest, server.id, disk.deviceId);
    steps++;
  }
  return { steps };
}

function carryOut(
  step: WorkloadStep,
  guest: Guest,
  serverId: string,
  deviceId: string,
): void | Promise<void> {
  switch (step.kind) {
    case 'synthetic':
      return guest.writeSynthetic(serverId, deviceId, step.firstBlock, step.blockCount);
    case 'data':
      return guest.write(serverId, deviceId, step.offset, step.data);
    case 'trim':
      return guest.trim(serverId, deviceId, step.offset, step.length);
  }
}

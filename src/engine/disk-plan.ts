/**
 * What is to be read of a disk, found by the best means that works:
 *
 * changed areas since the base's checkpoint -> valid areas (checkpoint 0) -> allocation (NBD) -> everything.
 *
 * Each step down reads more and relies on less. A void history is the exception: it is not stepped over but reset, so
 * that the next backup can be incremental again.
 */
import { ProtocolError } from '../sdk/protocol-error.ts';
import { saysCbtExpired } from '../sdk/refusals.ts';
import type { ScpClient, SnapshotDetail } from '../sdk/scp-client-api.ts';
import { retryClassOfError, ScpError } from '../sdk/scp-error.ts';
import type { DiskResult } from './engine-api.ts';
import type { OpenDisk } from './proxy-agent.ts';
import { type ByteRange, mergeRanges } from './ranges.ts';
import { readAreas } from './read-areas.ts';
import { Setback } from './setback.ts';

export interface DiskPlan {
  readonly deviceId: string;
  readonly sizeBytes: number;
  readonly method: DiskResult['method'];
  /** Everything else is as in the base (`isIncremental`) or zeros. */
  readonly ranges: readonly ByteRange[];
  readonly isIncremental: boolean;
  /** Why better means did not serve, best first. */
  readonly stepsDown: readonly string[];
}

export interface DiskQuestion {
  readonly scp: ScpClient;
  readonly serverId: string;
  readonly snapshot: SnapshotDetail;
  readonly deviceId: string;
  readonly isTracked: boolean;
  /** Checkpoint of the base, when this disk can be read incrementally. */
  readonly sinceCheckpoint: number | undefined;
  /** An expired history is reset (once per job); else it counts as any other failure. */
  readonly mayReset: boolean;
  readonly nbd: OpenDisk;
  readonly signal: AbortSignal;
}

export async function planDisk(question: DiskQuestion): Promise<DiskPlan> {
  const stepsDown: string[] = [];
  for (const tier of TIERS) {
    if (!tier.isPossible(question)) continue;
    try {
      return { ...describe(question, tier), ranges: await tier.find(question), stepsDown };
    } catch (error) {
      stepsDown.push(`${tier.label}: ${reasonToStepDown(question, error)}`);
    }
  }
  throw new RangeError('the last tier cannot fail');
}

interface Tier {
  readonly label: string;
  readonly method: DiskResult['method'];
  readonly isIncremental: boolean;
  readonly isPossible: (question: DiskQuestion) => boolean;
  readonly find: (question: DiskQuestion) => Promise<readonly ByteRange[]>;
}

const ALLOCATION = 'base:allocation';

const TIERS: readonly Tier[] = [
  {
    label: 'changed areas',
    method: 'changed-areas',
    isIncremental: true,
    isPossible: (question) => question.sinceCheckpoint !== undefined,
    find: (question) => readAreasTwice(question, question.sinceCheckpoint ?? 0),
  },
  {
    label: 'valid areas',
    method: 'valid-areas',
    isIncremental: false,
    isPossible: (question) => question.isTracked,
    find: (question) => readAreasTwice(question, 0),
  },
  {
    label: 'allocation',
    method: 'allocation',
    isIncremental: false,
    isPossible: ({ nbd }) => nbd.info.metaContexts.includes(ALLOCATION) && nbd.info.isReadOnly,
    find: readAllocation,
  },
  {
    label: 'everything',
    method: 'everything',
    isIncremental: false,
    isPossible: () => true,
    find: async ({ nbd }) => [{ offset: 0, length: nbd.info.sizeBytes }],
  },
];

function describe(question: DiskQuestion, tier: Tier): Omit<DiskPlan, 'ranges' | 'stepsDown'> {
  return {
    deviceId: question.deviceId,
    sizeBytes: question.nbd.info.sizeBytes,
    method: tier.method,
    isIncremental: tier.isIncremental,
  };
}

/** A map is asked for once more before it is given up, unless it is void or breaks the contract. */
async function readAreasTwice(question: DiskQuestion, checkpointId: number): Promise<readonly ByteRange[]> {
  const { scp, serverId, deviceId, snapshot, nbd } = question;
  const query = { serverId, deviceId, snapshotId: snapshot.id, checkpointId };
  try {
    return await readAreas(scp, query, nbd.info.sizeBytes);
  } catch (error) {
    if (!(error instanceof ScpError) || error.retry === 'after-full-backup') throw error;
    return readAreas(scp, query, nbd.info.sizeBytes);
  }
}

/** Bytes per status query: bounds what the server must gather for one answer. */
const STATUS_WINDOW = 1024 ** 3;
/** The range reads as zeros. A hole alone does not promise that. @source NBD protocol, proto.md, base:allocation */
const STATE_ZERO = 2;

/**
 * Trustworthy only on a read-only export (a snapshot: nothing changes under it), and only where the server promises
 * zeros; a hole without that promise is read.
 */
async function readAllocation({ nbd, signal }: DiskQuestion): Promise<readonly ByteRange[]> {
  const data: ByteRange[] = [];
  const { sizeBytes } = nbd.info;
  for (let offset = 0; offset < sizeBytes; offset += STATUS_WINDOW) {
    const length = Math.min(STATUS_WINDOW, sizeBytes - offset);
    for (const extent of await nbd.blockStatus(ALLOCATION, offset, length, signal))
      if ((extent.flags & STATE_ZERO) === 0) data.push({ offset: extent.offset, length: extent.length });
  }
  return mergeRanges(data);
}

/** @throws whatever is no reason to read the disk by other means */
function reasonToStepDown(question: DiskQuestion, error: unknown): string {
  question.signal.throwIfAborted();
  if (error instanceof ScpError && saysCbtExpired(error.reason) && question.mayReset)
    throw new Setback('cbt-expired', error.reason, { cause: error });
  const isStep =
    error instanceof ProtocolError ||
    (error instanceof ScpError && retryClassOfError(error) !== 'after-reacquire');
  if (!isStep) throw error;
  return error.message;
}

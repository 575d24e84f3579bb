/**
 * Reading a snapshot through a proxy's guest, at every level that this machine can do, beside NBDSSL of the same
 * snapshot from the same server, in turns; and how long a disk takes to come and to go, in real time.
 *
 * Every round attaches the disk anew, so that no kernel has its bytes already.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestLevel } from '../../../simulator/guest/levels/guest-level.ts';
import type { OpenDisk } from '../../engine/proxy-agent.ts';
import { piecesOf } from '../../engine/ranges.ts';
import { runWorkers } from '../../engine/run-workers.ts';
import { CliError } from '../cli-error.ts';
import { proxyMachineOf } from '../proxy-machine-flags.ts';
import { checkGuests } from '../run-guests.ts';
import { type BenchArea, type BenchContext, type BenchResult, median, medianRatio } from './measure.ts';
import { type ServedProxy, serveProxy } from './served-proxy.ts';

const MIB = 2 ** 20;
const DISK_BYTES = 512 * MIB;

interface Way {
  readonly name: string;
  readonly level: GuestLevel;
  /** What is read in a round. */
  readonly readBytes: number;
  /** Of one request. */
  readonly pieceBytes: number;
}

/** As the engine reads by default. */
const PIECE_BYTES = 256 * 1024;
const PARALLEL = 16;

const WAYS: readonly Way[] = [
  { name: 'socket', level: 'socket', readBytes: DISK_BYTES, pieceBytes: PIECE_BYTES },
  { name: 'fuse', level: 'fuse', readBytes: DISK_BYTES, pieceBytes: PIECE_BYTES },
  { name: 'loop', level: 'loop', readBytes: DISK_BYTES, pieceBytes: PIECE_BYTES },
  { name: 'qemu, bulk', level: 'qemu', readBytes: 128 * MIB, pieceBytes: PIECE_BYTES },
  // Pieces as small as these go over the agent's channel itself.
  { name: 'qemu, channel', level: 'qemu', readBytes: 8 * MIB, pieceBytes: 12 * 1024 },
];

export const benchHotAdd: BenchArea = async (context) => {
  const results: BenchResult[] = [];
  for (const level of ['socket', 'fuse', 'loop', 'qemu'] as const) {
    const reason = await whyNot(level);
    if (reason === undefined) results.push(...(await benchLevel(level, context)));
    else context.skip(`hotadd ${level}`, reason);
  }
  return results;
};

/** Why this machine can't do a level. */
async function whyNot(level: GuestLevel): Promise<string | undefined> {
  try {
    await checkGuests({ level, ...proxyMachineOf({}, level) });
    return undefined;
  } catch (error) {
    if (error instanceof CliError) return `${error.message}. ${error.advice ?? ''}`.trim();
    throw error;
  }
}

interface Round {
  readonly attachMs: number;
  readonly detachMs: number;
  /** MB/s by way. */
  readonly speeds: ReadonlyMap<Way, { readonly ours: number; readonly peer: number }>;
}

async function benchLevel(level: GuestLevel, { rounds, note }: BenchContext): Promise<BenchResult[]> {
  note(`HotAdd, guest level ${level}: attach, read, detach, ${rounds} rounds beside NBDSSL`);
  const folder = mkdtempSync(join(tmpdir(), 'backlot-bench-'));
  try {
    await using served = await serveProxy(level, folder, DISK_BYTES);
    const ways = WAYS.filter((way) => way.level === level);
    await playRound(served, ways);
    const played: Round[] = [];
    for (let round = 0; round < rounds; round++) played.push(await playRound(served, ways));
    return describeRounds(level, ways, played);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function playRound(served: ServedProxy, ways: readonly Way[]): Promise<Round> {
  const { disk, attachMs, detach } = await served.attach();
  const speeds = new Map<Way, { ours: number; peer: number }>();
  let begin = 0;
  for (const way of ways) {
    const ours = await readSpeed(disk, way, begin);
    speeds.set(way, {
      ours,
      peer: await readSpeed(served.nbdssl, { ...way, pieceBytes: PIECE_BYTES }, begin),
    });
    // What one way has read is not read again by the next.
    begin += way.readBytes;
  }
  return { attachMs, speeds, detachMs: await detach() };
}

/** MB/s. */
async function readSpeed(disk: OpenDisk, { readBytes, pieceBytes }: Way, begin: number): Promise<number> {
  const startedAt = performance.now();
  const pieces = piecesOf([{ offset: begin, length: readBytes }], pieceBytes);
  await runWorkers(pieces, PARALLEL, async ({ offset, length }) => {
    await disk.read(offset, length);
  });
  return readBytes / 1e6 / ((performance.now() - startedAt) / 1000);
}

function describeRounds(level: GuestLevel, ways: readonly Way[], rounds: readonly Round[]): BenchResult[] {
  const reads = ways.map((way): BenchResult => {
    const speeds = rounds.flatMap((round) => round.speeds.get(way) ?? []);
    const ours = speeds.map((speed) => speed.ours);
    const peer = speeds.map((speed) => speed.peer);
    return {
      area: 'hotadd',
      name: `sequential read in the guest, ${way.name}`,
      unit: 'MB/s',
      better: 'higher',
      value: median(ours),
      rounds: rounds.length,
      peer: 'NBDSSL',
      peerValue: median(peer),
      ratio: medianRatio(ours, peer),
    };
  });
  const latency = (what: string, times: readonly number[]): BenchResult => ({
    area: 'hotadd',
    name: `${what}, ${level}`,
    unit: 'ms',
    better: 'lower',
    value: median(times),
    rounds: rounds.length,
  });
  return [
    ...reads,
    latency(
      'from the call to the open device',
      rounds.map(({ attachMs }) => attachMs),
    ),
    latency(
      'from the call to the device gone',
      rounds.map(({ detachMs }) => detachMs),
    ),
  ];
}

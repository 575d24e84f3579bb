/** Holds restore points and restored servers against the guest log, by way of the byte oracle. */
import type { ServerId } from '../../src/kernel/ids.ts';
import type { JournalEvent } from '../../src/kernel/journal.ts';
import { compareImage, describeVerdict, type ReadImage } from '../oracle/byte-oracle.ts';
import type { ExpectedImage } from '../oracle/guest-log.ts';
import { mapDifferences } from './disk-map.ts';
import type { ShownPoint } from './installed.ts';
import { StoryFailed } from './outcome.ts';
import type { EngineName } from './scenario-schema.ts';
import { snapshotInstant } from './snapshot-instant.ts';
import type { PointRecord, Story } from './story.ts';

/** Notes what a point made from `snapshotId` must hold, and compares it with what it holds. */
export async function judgeNewPoint(
  story: Story,
  point: { readonly id: string; readonly engine: EngineName },
  serverName: string,
  snapshotId: string,
): Promise<void> {
  const instant = snapshotInstant(story.world.journal.entries, snapshotId);
  if (instant === undefined) {
    throw new StoryFailed(
      'a point made from a snapshot that was taken',
      `snapshot ${snapshotId} is not in the journal`,
    );
  }
  const devices = story.log.devices(serverName);
  const images = new Map(devices.map((device) => [device, story.log.imageAt(serverName, device, instant)]));
  const record = { ...point, images };
  story.points.set(point.id, record);
  await judgePoint(story, record);
}

/** Compares every disk of a point. */
export async function judgePoint(story: Story, record: PointRecord): Promise<void> {
  const shelf = story.installation(record.engine).repository();
  if (shelf.isClosed === true) return;
  story.judgedSince.add(record.id);
  const reader = await shelf.open(record.id);
  const of = { what: 'point', point: record.id, server: reader.info.serverId } as const;
  await telling(story, of, (tally) => comparePoint(story, record, reader, tally));
}

async function comparePoint(
  story: Story,
  record: PointRecord,
  reader: ShownPoint,
  tally: Tally,
): Promise<void> {
  const inPoint = reader.info.disks.map((disk) => disk.deviceId);
  expectSameDisks(`point ${record.id}`, [...record.images.keys()], inPoint);
  for (const [device, image] of record.images) {
    const disk = reader.info.disks.find(({ deviceId }) => deviceId === device);
    expectSize(`${device} of point ${record.id}`, image, disk?.sizeBytes ?? -1);
    const read: ReadImage = (offset, length) => reader.read(device, offset, length);
    await judge(story, `point ${record.id}`, image, read, tally);
  }
}

/** Compares every disk of a server with the images of the point that it was restored from. */
export async function judgeServer(story: Story, serverId: ServerId, record: PointRecord): Promise<void> {
  const of = { what: 'server', point: record.id, server: serverId } as const;
  await telling(story, of, (tally) => compareServer(story, serverId, record, tally));
}

/** Whether a server holds what a point holds; the journal is not told. */
export async function holdsPoint(story: Story, serverId: ServerId, record: PointRecord): Promise<boolean> {
  try {
    await compareServer(story, serverId, record, createTally());
    return true;
  } catch (error) {
    if (error instanceof StoryFailed) return false;
    throw error;
  }
}

async function compareServer(
  story: Story,
  serverId: ServerId,
  record: PointRecord,
  tally: Tally,
): Promise<void> {
  const server = story.world.servers.get(serverId);
  const devices = server.disks.map((disk) => disk.deviceId);
  expectSameDisks(`server ${server.name}`, [...record.images.keys()], devices);
  for (const disk of server.disks) {
    const image = record.images.get(disk.deviceId);
    expectSize(`${disk.deviceId} of server ${server.name}`, image, disk.sizeBytes);
    const read: ReadImage = (offset, length) =>
      story.world.guest.read(server.id, disk.deviceId, offset, length);
    await judge(story, `server ${server.name}`, image, read, tally);
  }
}

/** Holds two points against each other, whoever made them and over whatever data path. */
export async function judgeEqualPoints(story: Story, one: PointRecord, other: PointRecord): Promise<void> {
  const open = ({ id, engine }: PointRecord) => story.installation(engine).repository().open(id);
  const [reader, twin] = [await open(one), await open(other)];
  const devices = ({ info }: typeof reader): string[] => info.disks.map(({ deviceId }) => deviceId);
  expectSameDisks(`point ${other.id}`, devices(reader), devices(twin));
  for (const { deviceId, sizeBytes } of reader.info.disks) {
    const known = one.images.get(deviceId) ?? { ...UNKNOWN_HISTORY, disk: deviceId };
    const image = { ...known, bytes: await reader.read(deviceId, 0, sizeBytes) };
    const twinDisk = twin.info.disks.find((disk) => disk.deviceId === deviceId);
    expectSize(`${deviceId} of point ${other.id}`, image, twinDisk?.sizeBytes ?? -1);
    const read: ReadImage = (offset, length) => twin.read(deviceId, offset, length);
    await judge(story, `point ${other.id}, held against ${one.id}`, image, read, createTally());
  }
}

/** What one comparison came to, disk by disk. */
interface Tally {
  comparedBytes: number;
  differingBytes: number;
}

function createTally(): Tally {
  return { comparedBytes: 0, differingBytes: 0 };
}

/** The journal is told how it went, also when it ends with a finding. */
async function telling(
  story: Story,
  of: Pick<Extract<JournalEvent, { type: 'compared' }>, 'what' | 'point' | 'server'>,
  compare: (tally: Tally) => Promise<void>,
): Promise<void> {
  const tally = createTally();
  let least = 0;
  try {
    await compare(tally);
  } catch (error) {
    // A disk too many, or one of another size, is wrong without any sector having been looked at.
    least = 1;
    throw error;
  } finally {
    const differences = Math.max(least, tally.differingBytes);
    story.world.journal.append({ type: 'compared', ...of, bytes: tally.comparedBytes, differences });
  }
}

/** Differences can then be found but not explained. */
const UNKNOWN_HISTORY = {
  operations: [],
  operationCount: 0,
  initial: new Uint8Array(),
  diskOfWrite: () => undefined,
};

async function judge(
  story: Story,
  what: string,
  image: ExpectedImage | undefined,
  read: ReadImage,
  tally: Tally,
): Promise<void> {
  if (image === undefined) {
    story.doubts.push(`nobody knows what ${what} must hold`);
    return;
  }
  const verdict = await compareImage(image, read);
  story.comparedBytes += verdict.comparedBytes;
  tally.comparedBytes += verdict.comparedBytes;
  tally.differingBytes += verdict.differingBytes;
  if (verdict.differences.length === 0) return;
  const actual = `${verdict.differingBytes} of ${verdict.comparedBytes} bytes in wrong sectors`;
  const evidence = [describeVerdict(verdict)];
  const disk = mapDifferences(image, verdict);
  throw new StoryFailed(`${what}: ${image.disk} as the guest had it`, actual, evidence, disk);
}

function expectSameDisks(what: string, expected: readonly string[], actual: readonly string[]): void {
  const wanted = [...expected].sort().join(', ');
  const found = [...actual].sort().join(', ');
  if (wanted !== found) throw new StoryFailed(`${what} with the disks ${wanted}`, found);
}

function expectSize(what: string, image: ExpectedImage | undefined, actual: number): void {
  if (image === undefined || image.bytes.length === actual) return;
  throw new StoryFailed(`${what}: ${image.bytes.length} bytes`, `${actual} bytes`);
}

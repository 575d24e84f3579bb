/** Holds restore points and restored servers against the guest log, by way of the byte oracle. */
import type { ServerId } from '../../src/kernel/ids.ts';
import { compareImage, describeVerdict, type ReadImage } from '../oracle/byte-oracle.ts';
import type { ExpectedImage } from '../oracle/guest-log.ts';
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
  story.judgedSince.add(record.id);
  const reader = await story.installation(record.engine).repository().open(record.id);
  const inPoint = reader.info.disks.map((disk) => disk.deviceId);
  expectSameDisks(`point ${record.id}`, [...record.images.keys()], inPoint);
  for (const [device, image] of record.images) {
    const disk = reader.info.disks.find(({ deviceId }) => deviceId === device);
    expectSize(`${device} of point ${record.id}`, image, disk?.sizeBytes ?? -1);
    await judge(story, `point ${record.id}`, image, (offset, length) => reader.read(device, offset, length));
  }
}

/** Compares every disk of a server with the images of the point that it was restored from. */
export async function judgeServer(story: Story, serverId: ServerId, record: PointRecord): Promise<void> {
  const server = story.world.servers.get(serverId);
  const devices = server.disks.map((disk) => disk.deviceId);
  expectSameDisks(`server ${server.name}`, [...record.images.keys()], devices);
  for (const disk of server.disks) {
    const image = record.images.get(disk.deviceId);
    expectSize(`${disk.deviceId} of server ${server.name}`, image, disk.sizeBytes);
    await judge(story, `server ${server.name}`, image, (offset, length) =>
      story.world.guest.read(server.id, disk.deviceId, offset, length),
    );
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
    await judge(story, `point ${other.id}, held against ${one.id}`, image, (offset, length) =>
      twin.read(deviceId, offset, length),
    );
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
): Promise<void> {
  if (image === undefined) {
    story.doubts.push(`nobody knows what ${what} must hold`);
    return;
  }
  const verdict = await compareImage(image, read);
  story.comparedBytes += verdict.comparedBytes;
  if (verdict.differences.length === 0) return;
  const actual = `${verdict.differingBytes} of ${verdict.comparedBytes} bytes in wrong sectors`;
  throw new StoryFailed(`${what}: ${image.disk} as the guest had it`, actual, [describeVerdict(verdict)]);
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

/** Image files under the disks of a world: which there are, how big they are, and how they are read. */
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Clock } from '../../src/kernel/clock.ts';
import type { DiskSpec, InventorySpec, ServerSpec } from '../domain/inventory.ts';
import type { BaseImage } from '../store/base-image.ts';
import { openQcow2Image } from './qcow2-image.ts';
import { ImageError, openRawImage } from './raw-image.ts';

/** `VM:slot=FILE`, taken apart. */
export interface DiskRequest {
  /** Name or id of the server. */
  readonly server: string;
  readonly deviceId: string;
  readonly file: string;
}

export interface DiskImages extends AsyncDisposable {
  /** With the disks' sizes as the files have them. */
  readonly inventory: InventorySpec;
  /** @throws ImageError for a file that is none of the opened ones */
  open(file: string): BaseImage;
}

/** `undefined` when the text is not of the form `VM:slot=FILE`. */
export function parseDiskRequest(text: string): DiskRequest | undefined {
  const match = /^(?<server>.+):(?<deviceId>(?:ide|virtio|scsi)\d{1,2})=(?<file>.+)$/.exec(text);
  const { server, deviceId, file } = match?.groups ?? {};
  if (server === undefined || deviceId === undefined || file === undefined) return undefined;
  return { server, deviceId, file };
}

/**
 * Opens every image that the inventory or a request names.
 * @throws ImageError
 */
export async function openDiskImages(options: {
  readonly inventory: InventorySpec;
  readonly requests: readonly DiskRequest[];
  /** Folder to which the inventory's own paths are relative. */
  readonly folder: string;
  readonly blockBytes: number;
  readonly clock: Clock;
}): Promise<DiskImages> {
  await using opening = new AsyncDisposableStack();
  const images = new Map<string, BaseImage>();
  const open = async (file: string): Promise<BaseImage> => {
    const known = images.get(file);
    if (known !== undefined) return known;
    const image = isQcow2(file)
      ? opening.use(await openQcow2Image(file, options.blockBytes, options.clock))
      : opening.use(openRawImage(file, options.blockBytes));
    images.set(file, image);
    return image;
  };
  const placed = options.requests.reduce(placeImage, absolutePaths(options.inventory, options.folder));
  const inventory = await fitToImages(placed, open);
  const opened = opening.move();
  return {
    inventory,
    open(file) {
      const image = images.get(file);
      if (image === undefined)
        throw new ImageError(`${file}: images are opened when the simulator starts only`);
      return image;
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function absolutePaths(inventory: InventorySpec, folder: string): InventorySpec {
  return mapDisks(inventory, (disk) =>
    disk.content.kind === 'image'
      ? { ...disk, content: { kind: 'image', file: resolve(folder, disk.content.file) } }
      : disk,
  );
}

/** The inventory with the image under the disk, which is added when the server has no such slot. */
function placeImage(inventory: InventorySpec, request: DiskRequest): InventorySpec {
  const server = inventory.servers.find(({ id, name }) => id === request.server || name === request.server);
  if (server === undefined) {
    const names = inventory.servers.slice(0, 8).map(({ name }) => name);
    throw new ImageError(`no server goes by "${request.server}"; there are: ${names.join(', ')}`);
  }
  const disks = withImage(server, request);
  const servers = inventory.servers.map((one) => (one === server ? { ...server, disks } : one));
  return { ...inventory, servers };
}

function withImage(server: ServerSpec, request: DiskRequest): readonly DiskSpec[] {
  const content = { kind: 'image', file: resolve(request.file) } as const;
  const [first] = server.disks;
  if (server.disks.some(({ deviceId }) => deviceId === request.deviceId))
    return server.disks.map((disk) => (disk.deviceId === request.deviceId ? { ...disk, content } : disk));
  if (first === undefined)
    throw new ImageError(`${server.name} has no disk beside which ${request.deviceId} could lie`);
  return [...server.disks, { ...first, deviceId: request.deviceId, content }];
}

async function fitToImages(
  inventory: InventorySpec,
  open: (file: string) => Promise<BaseImage>,
): Promise<InventorySpec> {
  const sizes = new Map<string, number>();
  for (const { content } of inventory.servers.flatMap(({ disks }) => disks))
    if (content.kind === 'image') sizes.set(content.file, (await open(content.file)).sizeBytes);
  return mapDisks(inventory, (disk) => {
    const sizeBytes = disk.content.kind === 'image' ? sizes.get(disk.content.file) : undefined;
    return sizeBytes === undefined ? disk : { ...disk, sizeBytes };
  });
}

function mapDisks(inventory: InventorySpec, change: (disk: DiskSpec) => DiskSpec): InventorySpec {
  const servers = inventory.servers.map((server) => ({ ...server, disks: server.disks.map(change) }));
  return { ...inventory, servers };
}

const QCOW2_MAGIC = 0x514649fb;

/** By the first bytes; a file that cannot be read is left to the raw reader, which says why. */
function isQcow2(file: string): boolean {
  const head = Buffer.alloc(4);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, head, 0, 4, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
  return head.readUInt32BE(0) === QCOW2_MAGIC;
}

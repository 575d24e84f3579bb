/**
 * The engine's foot in the guest of a proxy, through a folder that looks like the guest's root: the simulator's guest
 * folder, or `/` where the engine runs inside the proxy itself.
 *
 * What a device is shows when it is looked at: a block device or a file is read as such, a unix socket speaks NBD.
 */
import { type Around, DiskWithin } from '../engine/disk-within.ts';
import { constants } from 'node:fs';
import { access, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { openNbdDevice } from '../engine/nbd-device.ts';
import {
  AgentLost,
  type ConnectProxy,
  DeviceGone,
  type GuestBlockDevice,
  type OpenDeviceOptions,
  type OpenDisk,
  type ProxyAgent,
} from '../engine/proxy-agent.ts';
import { type Clock, whileHolding } from '../kernel/clock.ts';
import { BY_ID, proxyFolder, serialOfLink } from '../kernel/guest-folder.ts';
import { openFileDevice } from './file-device.ts';
import { dialUnix } from './nbd-dial.ts';

const SECTOR_BYTES = 512;

export interface GuestFolderOptions {
  /** The guest folder, with a folder per proxy; or the root of the one guest in which this runs. */
  readonly folder: string;
  readonly clock: Clock;
}

export function connectGuestFolder({ folder, clock }: GuestFolderOptions): ConnectProxy {
  return (proxy, signal) =>
    whileHolding(clock, async () => {
      signal.throwIfAborted();
      const root = await rootOf(folder, proxy.name);
      return createFolderAgent({ root, proxy: proxy.name, clock });
    });
}

/** @throws AgentLost when neither the proxy's folder nor the folder itself is a guest's root */
async function rootOf(folder: string, proxyName: string): Promise<string> {
  const own = proxyFolder(folder, proxyName);
  if (await isThere(own)) return own;
  // Inside the proxy: there is one guest, whatever the platform calls it.
  if (await isThere(join(folder, 'dev'))) return folder;
  throw new AgentLost(`${own} does not exist: the guest of ${proxyName} cannot be seen from here`);
}

interface FolderAgentOptions {
  readonly root: string;
  readonly proxy: string;
  readonly clock: Clock;
}

function createFolderAgent(options: FolderAgentOptions): ProxyAgent {
  const { clock } = options;
  const opened = new Set<OpenDisk>();
  const hold: Around = (work) => whileHolding(clock, work);
  return {
    devices: (signal) =>
      hold(async () => {
        const places = await findDevices(options);
        signal.throwIfAborted();
        const described = await Promise.all(places.map((place) => describeDevice(place, clock, signal)));
        return described.filter((device) => device !== undefined);
      }),
    open: (name, asked) =>
      hold(async () => {
        const place = (await findDevices(options)).find((one) => one.name === name);
        asked.signal.throwIfAborted();
        if (place === undefined) throw new DeviceGone(`${options.proxy} has no device ${name}`);
        const disk = new DiskWithin(await openDevice(place, asked, options), hold);
        opened.add(disk);
        return disk;
      }),
    close: async () => void (await Promise.all(Array.from(opened, (disk) => disk.close()))),
  };
}

/** A device in the folder, not looked at yet. */
interface DevicePlace {
  readonly name: string;
  readonly serial: string;
  readonly path: string;
}

/** Every device with a link by its serial, and disks without one. @throws AgentLost */
async function findDevices({ root, proxy }: FolderAgentOptions): Promise<DevicePlace[]> {
  if (!(await isThere(root))) throw new AgentLost(`${root} is gone: ${proxy} is off`);
  const links = await readdir(join(root, BY_ID)).catch(() => []);
  const linked = await Promise.all(
    links.map(async (link) => {
      const serial = serialOfLink(link);
      return serial === undefined ? undefined : placeOf(join(root, BY_ID, link), serial);
    }),
  );
  const found = linked.filter((place) => place !== undefined);
  const names = new Set(found.map(({ name }) => name));
  const others = await readdir(join(root, 'dev')).catch(() => []);
  const bare = others
    .filter((name) => /^[sv]d[a-z]+$/.test(name) && !names.has(name))
    .map(async (name) => {
      const serial = await readFile(join(root, 'sys/block', name, 'serial'), 'utf8').catch(() => '');
      return { name, serial: serial.trim(), path: join(root, 'dev', name) };
    });
  return [...found, ...(await Promise.all(bare))];
}

/** The link's own target names the device, one step far: behind it there may be a loop device of the host. */
async function placeOf(link: string, serial: string): Promise<DevicePlace | undefined> {
  const target = await readlink(link).catch(() => link);
  const path = target.startsWith('/') ? target : join(link, '..', target);
  return (await isThere(path)) ? { name: basename(path), serial, path } : undefined;
}

async function describeDevice(
  { name, serial, path }: DevicePlace,
  clock: Clock,
  signal: AbortSignal,
): Promise<GuestBlockDevice | undefined> {
  const kind = await stat(path).catch(() => undefined);
  if (kind === undefined) return undefined;
  if (kind.isSocket()) return describeSocket({ name, serial, path }, clock, signal);
  if (kind.isBlockDevice()) {
    const kernel = join('/sys/class/block', basename(await realpath(path)));
    const sectors = Number(await readFile(join(kernel, 'size'), 'utf8'));
    const isReadOnly = (await readFile(join(kernel, 'ro'), 'utf8')).trim() === '1';
    return { name, serial, sizeBytes: sectors * SECTOR_BYTES, isReadOnly };
  }
  return { name, serial, sizeBytes: kind.size, isReadOnly: !(await isWritable(path)) };
}

/** A device that is gone by now, or that nobody serves, is not there. */
async function describeSocket(
  { name, serial, path }: DevicePlace,
  clock: Clock,
  signal: AbortSignal,
): Promise<GuestBlockDevice | undefined> {
  try {
    const disk = await openSocket(path, clock, signal, path);
    const { sizeBytes, isReadOnly } = disk.info;
    await disk.close();
    return { name, serial, sizeBytes, isReadOnly };
  } catch (error) {
    if (error instanceof DeviceGone) return undefined;
    throw error;
  }
}

async function openDevice(
  { name, path }: DevicePlace,
  { write, signal, requestTimeoutMs }: OpenDeviceOptions,
  { proxy, clock }: FolderAgentOptions,
): Promise<OpenDisk> {
  const what = `${name} of ${proxy}`;
  const kind = await stat(path).catch(() => undefined);
  if (kind === undefined) throw new DeviceGone(`${what} is gone`);
  if (kind.isSocket()) return openSocket(path, clock, signal, what, requestTimeoutMs);
  const described = await describeDevice({ name, serial: '', path }, clock, signal);
  if (described === undefined) throw new DeviceGone(`${what} is gone`);
  return openFileDevice({
    path,
    what,
    sizeBytes: described.sizeBytes,
    isReadOnly: !write || described.isReadOnly,
    clock,
    requestTimeoutMs,
  });
}

function openSocket(
  path: string,
  clock: Clock,
  signal: AbortSignal,
  what: string,
  requestTimeoutMs?: number,
): Promise<OpenDisk> {
  return openNbdDevice({
    dial: dialUnix(path),
    clock,
    signal,
    requestTimeoutMs,
    lost: (cause) => new DeviceGone(`${what} is gone: ${cause.message}`, { cause }),
  });
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isWritable(path: string): Promise<boolean> {
  return access(path, constants.W_OK).then(
    () => true,
    () => false,
  );
}

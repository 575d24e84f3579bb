/** A guest's own root as far as its devices go: names, links by serial, and what the kernel says about each. */
import { mkdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BY_ID, byIdName, proxyFolder } from '../../../src/kernel/guest-folder.ts';
import type { GuestDevice, GuestServer } from '../guest-api.ts';
import { SECTOR_BYTES } from '../whole-sectors.ts';

export class DeviceTree {
  readonly #folder: string;
  /** Links of several devices may be the same one, so they change one after the other. */
  #links: Promise<void> = Promise.resolve();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The guest runs: its root is there, without a device. */
  async powerOn({ name }: GuestServer): Promise<string> {
    const root = proxyFolder(this.#folder, name);
    await mkdir(join(root, BY_ID), { recursive: true });
    return root;
  }

  async powerOff({ name }: GuestServer): Promise<void> {
    await rm(proxyFolder(this.#folder, name), { recursive: true, force: true });
  }

  /** Where the device is to be. The folders exist when this resolves. */
  async place(server: GuestServer, device: GuestDevice): Promise<string> {
    const root = await this.powerOn(server);
    await mkdir(join(root, 'sys/block', device.name), { recursive: true });
    return join(root, 'dev', device.name);
  }

  /** Says what the device is. The link comes last, as udev's does: who sees it finds all the rest. */
  async announce(server: GuestServer, device: GuestDevice): Promise<void> {
    const root = proxyFolder(this.#folder, server.name);
    const kernel = join(root, 'sys/block', device.name);
    await writeFile(join(kernel, 'serial'), device.serial);
    await writeFile(join(kernel, 'size'), `${device.sizeBytes / SECTOR_BYTES}\n`);
    await writeFile(join(kernel, 'ro'), device.isReadOnly ? '1\n' : '0\n');
    await this.#changeLink(root, device, async (link) => {
      // Of two devices with one serial the last one gets the link.
      await rm(link, { force: true });
      await symlink(targetOf(device), link);
    });
  }

  async remove(server: GuestServer, device: GuestDevice): Promise<void> {
    const root = proxyFolder(this.#folder, server.name);
    await this.#changeLink(root, device, async (link) => {
      if ((await readlink(link).catch(() => '')) === targetOf(device)) await rm(link);
    });
    await rm(join(root, 'sys/block', device.name), { recursive: true, force: true });
  }

  #changeLink(
    root: string,
    { name, serial }: GuestDevice,
    change: (link: string) => Promise<void>,
  ): Promise<void> {
    const link = byIdName(name, serial);
    if (link === undefined) return Promise.resolve();
    const result = this.#links.then(() => change(join(root, BY_ID, link)));
    this.#links = result.catch(() => undefined);
    return result;
  }
}

const targetOf = ({ name }: GuestDevice): string => `../../${name}`;

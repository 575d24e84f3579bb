/** What `serve` is to simulate: a preset or a file, with images under its disks. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import {
  type DiskImages,
  type DiskRequest,
  openDiskImages,
  parseDiskRequest,
} from '../../simulator/app/disk-images.ts';
import { ImageError } from '../../simulator/app/raw-image.ts';
import { DEFAULT_SETTINGS } from '../../simulator/domain/default-settings.ts';
import type { InventorySpec } from '../../simulator/domain/inventory.ts';
import type { PresetName } from '../../simulator/inventory/presets.ts';
import { createWallClock } from '../runtime/wall-clock.ts';
import { CliError } from './cli-error.ts';
import type { ServeOptions } from './start-server.ts';

export interface ServedInventory {
  readonly inventory: PresetName | InventorySpec;
  readonly images?: DiskImages;
}

/** Reads the inventory file and opens the images; a plain preset is left to the simulator. */
export async function prepareInventory(
  options: ServeOptions,
  open: AsyncDisposableStack,
): Promise<ServedInventory> {
  const requests = options.disk.map(readDiskRequest);
  const read =
    options.inventory === undefined ? undefined : await readInventoryFile(options.inventory, options.seed);
  const preset = options.preset ?? 'tiny';
  if (read === undefined && requests.length === 0) return { inventory: preset };
  const inventory = read ?? (await generate(preset, options.seed));
  const images = open.use(
    await explainImages(() =>
      openDiskImages({
        inventory,
        requests,
        folder: dirname(resolve(options.inventory ?? '.')),
        blockBytes: DEFAULT_SETTINGS.granularityBytes,
        clock: createWallClock(),
      }),
    ),
  );
  return { inventory: images.inventory, images };
}

function readDiskRequest(text: string): DiskRequest {
  const request = parseDiskRequest(text);
  if (request === undefined)
    throw new CliError('usage', `--disk ${text}: is not of the form VM:slot=FILE, like web-01:ide0=disk.img`);
  return request;
}

async function readInventoryFile(file: string, seed: string): Promise<InventorySpec> {
  const { parseInventory, InventoryError } = await import('../../simulator/inventory/parse-inventory.ts');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CliError(
      'usage',
      `${file}: cannot be read (${(error as NodeJS.ErrnoException).code})`,
      undefined,
      { cause: error },
    );
  }
  try {
    return parseInventory(text, file, seed);
  } catch (error) {
    if (!(error instanceof InventoryError)) throw error;
    throw new CliError('usage', `the inventory is not right:\n${error.message}`, undefined, { cause: error });
  }
}

async function generate(preset: PresetName, seed: string): Promise<InventorySpec> {
  const { generateInventory } = await import('../../simulator/inventory/generate-inventory.ts');
  return generateInventory(preset, seed);
}

async function explainImages<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new CliError('usage', error.message, undefined, { cause: error });
  }
}

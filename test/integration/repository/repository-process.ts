/** A process of its own that works on a repository: `node repository-process.ts <folder> <server> <what>`. */
import { setTimeout as later } from 'node:timers/promises';
import { createRng } from '../../../src/kernel/rng.ts';
import { createRepository } from '../../../src/repository/create-repository.ts';
import type { PointInfo } from '../../../src/repository/repository-api.ts';
import { createFolderStorage } from '../../../src/runtime/folder-storage.ts';
import { createPooledCodec } from '../../../src/runtime/pooled-codec.ts';
import { createRandomIds } from '../../../src/runtime/random-ids.ts';
import { createWallClock } from '../../../src/runtime/wall-clock.ts';
import { CHUNK_BYTES, imageOf, writePoint } from '../../unit/repository/test-repository.ts';

const SIZE = 20 * CHUNK_BYTES;
const ROUNDS = 12;
const [folder = '', server = '', what = ''] = process.argv.slice(2);
const repository = createRepository({
  storage: createFolderStorage(folder),
  codec: createPooledCodec({ parallelism: 1 }),
  clock: createWallClock(),
  ids: createRandomIds(),
  chunkBytes: CHUNK_BYTES,
});

if (what === 'write') await writeChain();
if (what === 'prune') await pruneOften();
if (what === 'hang') await hangBeforeCommit();

/** Writes full points and incrementals whose chunks other servers write and lose too; prints the last one's image. */
async function writeChain(): Promise<void> {
  let image: Buffer = Buffer.alloc(SIZE);
  let base: PointInfo | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    // The same few contents in all processes, so that each meets chunks that another one is about to lose.
    const writes = { [(round % 4) * 3000]: createRng(`shared ${round % 3}`).bytes(6000) };
    image = imageOf(SIZE, writes, round % 4 === 0 ? undefined : image);
    const isFull = round % 4 === 0 || base === undefined;
    base = await writePoint(repository, writes, {
      server,
      sizeBytes: SIZE,
      ...(!isFull && base && { base }),
    });
  }
  process.stdout.write(JSON.stringify({ id: base?.id, image: image.toString('base64') }));
}

async function pruneOften(): Promise<void> {
  let removedChunks = 0;
  for (let round = 0; round < 4 * ROUNDS; round++) {
    removedChunks += (await repository.prune({ keepLast: 1 })).removedChunks;
    await later(5);
  }
  process.stdout.write(JSON.stringify({ removedChunks }));
}

async function hangBeforeCommit(): Promise<void> {
  const disks = [{ deviceId: 'ide0', sizeBytes: SIZE }];
  const writer = await repository.begin({ serverId: server, serverName: server, kind: 'full', disks });
  await writer.write('ide0', 0, createRng('never committed').bytes(SIZE - 100));
  process.stdout.write('written');
  setInterval(() => {}, 60_000);
}

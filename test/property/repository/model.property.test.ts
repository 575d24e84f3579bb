/**
 * Random histories of a repository against a plain map of images: full and incremental points with writes of any size,
 * order and overlap in time, zeros, disks that grow and shrink, aborts, prunes, other processes on the same storage.
 */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRng } from '../../../src/kernel/rng.ts';
import type { PointInfo, Repository } from '../../../src/repository/repository-api.ts';
import { createTestRepository, readDisk } from '../../unit/repository/test-repository.ts';

const CHUNK_BYTES = 64;
const MAX_BYTES = 1000;

interface Write {
  readonly at: number;
  readonly length: number;
  readonly kind: 'noise' | 'text' | 'zero bytes' | 'zeros';
  readonly seed: number;
}

type Step =
  | {
      readonly kind: 'point';
      readonly server: number;
      readonly base: number;
      readonly sizeBytes: number;
      readonly writes: readonly Write[];
      readonly isConcurrent: boolean;
      readonly isAborted: boolean;
    }
  | { readonly kind: 'prune'; readonly keepLast: number }
  | { readonly kind: 'restart' };

const write: fc.Arbitrary<Write> = fc.record({
  at: fc.nat(MAX_BYTES - 1),
  length: fc.oneof(fc.integer({ min: 0, max: 80 }), fc.integer({ min: 1, max: 400 })),
  kind: fc.constantFrom('noise', 'noise', 'text', 'zero bytes', 'zeros'),
  seed: fc.nat(3),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('point' as const),
      server: fc.nat(1),
      base: fc.integer({ min: -1, max: 6 }),
      sizeBytes: fc.oneof(fc.constant(640), fc.integer({ min: 1, max: MAX_BYTES })),
      writes: fc.array(write, { maxLength: 12 }),
      isConcurrent: fc.boolean(),
      isAborted: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('prune' as const), keepLast: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

interface Modelled {
  readonly info: PointInfo;
  readonly image: Buffer;
}

it('every range of every point reads as the model says, after any history', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 1, max: 5 }),
      async (steps, openChunks) => {
        const made = createTestRepository({ chunkBytes: CHUNK_BYTES, openChunks, seed: 'model' });
        let { repository } = made;
        let model: Modelled[] = [];
        for (const [at, each] of steps.entries()) {
          if (each.kind === 'point') model = await addPoint(repository, model, each);
          if (each.kind === 'prune') model = await prune(repository, model, each.keepLast);
          if (each.kind === 'restart') {
            ({ repository } = createTestRepository({
              ...made,
              chunkBytes: 100,
              openChunks,
              seed: `model ${at}`,
            }));
          }
          await compare(repository, model);
        }
      },
    ),
    { numRuns: 250 },
  );
});

async function addPoint(
  repository: Repository,
  model: Modelled[],
  step: Step & { kind: 'point' },
): Promise<Modelled[]> {
  const base = model[step.base];
  const { sizeBytes } = step;
  const image = Buffer.alloc(sizeBytes);
  base?.image.copy(image, 0, 0, Math.min(sizeBytes, base.image.length));
  const writer = await repository.begin({
    serverId: `s${step.server}`,
    serverName: `S${step.server}`,
    kind: base === undefined ? 'full' : 'incremental',
    ...(base !== undefined && { baseId: base.info.id }),
    disks: [{ deviceId: 'ide0', sizeBytes }],
  });
  const writes = step.writes.filter(({ at, length }) => at + length <= sizeBytes);
  const order = step.isConcurrent ? withoutOverlaps(writes) : writes;
  const pending: Promise<void>[] = [];
  for (const { at, length, kind, seed } of order) {
    const bytes = bytesOf(kind, length, seed);
    image.set(bytes, at);
    const writing =
      kind === 'zeros' ? writer.writeZeros('ide0', at, length) : writer.write('ide0', at, bytes);
    if (!step.isConcurrent) await writing;
    pending.push(writing);
  }
  await Promise.all(pending);
  if (step.isAborted) {
    await writer.abort();
    return model;
  }
  return [...model, { info: await writer.commit({ step: model.length }), image }];
}

function bytesOf(kind: Write['kind'], length: number, seed: number): Uint8Array {
  if (kind === 'noise') return createRng(`noise ${seed}`).bytes(length);
  return Buffer.alloc(length, kind === 'text' ? 'la la' : 0);
}

/** Writes that are under way at once have no order, so they may not overlap. */
function withoutOverlaps(writes: readonly Write[]): Write[] {
  const taken: Write[] = [];
  for (const each of writes) {
    if (taken.every((other) => each.at + each.length <= other.at || other.at + other.length <= each.at))
      taken.push(each);
  }
  return taken;
}

async function prune(repository: Repository, model: Modelled[], keepLast: number): Promise<Modelled[]> {
  const kept = model.filter(
    ({ info }, at) =>
      model.slice(at + 1).filter((later) => later.info.serverId === info.serverId).length < keepLast,
  );
  const report = await repository.prune({ keepLast });
  expect(report.sweepPostponedBy).toBeUndefined();
  expect(report.removedPoints).toEqual(
    model.filter((each) => !kept.includes(each)).map(({ info }) => info.id),
  );
  expect(report.keptPoints).toBe(kept.length);
  return kept;
}

async function compare(repository: Repository, model: readonly Modelled[]): Promise<void> {
  expect(await repository.points()).toEqual(model.map(({ info }) => info));
  const report = await repository.verify();
  expect(report.points.flatMap(({ problems }) => problems)).toEqual([]);
  for (const { info, image } of model) {
    expect((await readDisk(repository, info)).equals(image), info.id).toBe(true);
    await compareParts(repository, info, image);
  }
}

async function compareParts(repository: Repository, info: PointInfo, image: Buffer): Promise<void> {
  const reader = await repository.open(info.id);
  const outside = Buffer.from(image);
  for (const { offset, length } of reader.dataRanges('ide0')) outside.fill(0, offset, offset + length);
  expect(outside.equals(Buffer.alloc(image.length)), 'data outside of the data ranges').toBe(true);
  const rng = createRng(info.id);
  for (let at = 0; at < 3; at++) {
    const from = rng.int(0, image.length);
    const to = rng.int(from, image.length);
    expect(image.subarray(from, to).equals(await reader.read('ide0', from, to - from)), `${from}-${to}`).toBe(
      true,
    );
  }
}

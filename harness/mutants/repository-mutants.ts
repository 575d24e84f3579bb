/** Engines that put the wrong things into their repository. */
import type { Json } from '../../src/kernel/journal.ts';
import type { NewPoint, PointWriter, Repository } from '../../src/repository/repository-api.ts';
import type { Mutant } from './mutant.ts';

const BLOCK_BYTES = 65_536;

export const REPOSITORY_MUTANTS: readonly Mutant[] = [
  {
    id: 'base-moves-before-commit',
    breaks: 'engine',
    title: 'remembers the new checkpoint although the point was not stored',
    killers: ['S025-repository-fails-after-the-snapshot'],
    seams: () => {
      const moved = new Map<string, { readonly [key: string]: Json }>();
      return {
        repository: (inner) => ({
          ...wrapWriter(inner, (writer, point) => ({
            ...passOn(writer),
            commit: async (engine) => {
              moved.set(point.serverId, engine);
              return writer.commit(engine);
            },
          })),
          latest: async (serverId) => {
            const info = await inner.latest(serverId);
            const engine = moved.get(serverId);
            return info === undefined || engine === undefined ? info : { ...info, engine };
          },
        }),
      };
    },
  },
  {
    id: 'cuts-the-last-block',
    breaks: 'engine',
    title: 'loses the last block of a disk when it is not a whole one',
    killers: ['S003-holes-and-odd-sizes'],
    seams: () => ({
      repository: (inner) =>
        wrapWriter(inner, (writer, point) => ({
          ...passOn(writer),
          write: (deviceId, offset, data) => {
            const end = wholeBlocksOf(point, deviceId);
            return writer.write(
              deviceId,
              offset,
              data.subarray(0, Math.max(0, Math.min(data.length, end - offset))),
            );
          },
        })),
    }),
  },
  {
    id: 'holes-mean-unchanged',
    breaks: 'engine',
    title: 'leaves out of an incremental what now reads as zeros',
    killers: ['S003-holes-and-odd-sizes', 'S002-full-and-three-incrementals'],
    seams: () => ({
      repository: (inner) =>
        wrapWriter(inner, (writer, point) => ({
          ...passOn(writer),
          write: async (deviceId, offset, data) => {
            if (point.kind === 'full' || data.some((byte) => byte !== 0))
              await writer.write(deviceId, offset, data);
          },
          writeZeros: async (deviceId, offset, length) => {
            if (point.kind === 'full') await writer.writeZeros(deviceId, offset, length);
          },
        })),
    }),
  },
  {
    id: 'keeps-failed-points',
    breaks: 'engine',
    title: 'stores what it has when a job fails',
    killers: ['S037-disk-read-error'],
    seams: () => ({
      repository: (inner) =>
        wrapWriter(inner, (writer) => ({
          ...passOn(writer),
          abort: async () => {
            await writer.commit({});
          },
        })),
    }),
  },
  {
    id: 'commits-a-partial-chunk',
    breaks: 'engine',
    title: 'when a chunk can not be stored, stores it again without the piece that came last',
    killers: ['S025-repository-fails-after-the-snapshot'],
    seams: () => ({
      repository: (inner) => ({
        ...inner,
        begin: async (point) => retryingWithoutTheLast(inner, point, await inner.begin(point)),
      }),
    }),
  },
  {
    id: 'forgets-a-disk',
    breaks: 'engine',
    title: 'backs up all disks but the last',
    killers: ['S004-many-disks-cbt-on-some'],
    seams: () => ({
      repository: (inner) => ({
        ...inner,
        begin: async (point) => {
          const kept = point.disks.slice(0, Math.max(1, point.disks.length - 1));
          const isKept = (id: string): boolean => kept.some(({ deviceId }) => deviceId === id);
          const writer = await inner.begin({ ...point, disks: kept });
          return {
            ...passOn(writer),
            write: async (deviceId, offset, data) => {
              if (isKept(deviceId)) await writer.write(deviceId, offset, data);
            },
            writeZeros: async (deviceId, offset, length) => {
              if (isKept(deviceId)) await writer.writeZeros(deviceId, offset, length);
            },
          };
        },
      }),
    }),
  },
  {
    id: 'forgets-what-it-made',
    breaks: 'engine',
    title: 'keeps no record of what a run has made, so that nothing is found after a kill',
    killers: ['S021-killed-around-the-snapshot', 'S033-own-leftovers-only'],
    seams: () => ({
      repository: (inner) => ({
        ...inner,
        writeNote: () => Promise.resolve(),
        noteKeys: () => Promise.resolve([]),
      }),
    }),
  },
];

/** Goes on with what it believes to be stored already. */
function retryingWithoutTheLast(inner: Repository, point: NewPoint, first: PointWriter): PointWriter {
  const pieces: Parameters<PointWriter['write']>[] = [];
  return {
    ...passOn(first),
    write: async (deviceId, offset, data) => {
      pieces.push([deviceId, offset, Buffer.from(data)]);
      await first.write(deviceId, offset, data);
    },
    commit: (engine) =>
      first.commit(engine).catch(async () => {
        const second = await inner.begin(point);
        for (const piece of pieces.slice(0, -1)) await second.write(...piece);
        return second.commit(engine);
      }),
  };
}

function wrapWriter(
  inner: Repository,
  wrap: (writer: PointWriter, point: NewPoint) => PointWriter,
): Repository {
  return { ...inner, begin: async (point) => wrap(await inner.begin(point), point) };
}

/** A writer may be an instance of a class, whose methods do not spread. */
function passOn(writer: PointWriter): PointWriter {
  return {
    write: (deviceId, offset, data) => writer.write(deviceId, offset, data),
    writeZeros: (deviceId, offset, length) => writer.writeZeros(deviceId, offset, length),
    commit: (engine) => writer.commit(engine),
    abort: () => writer.abort(),
  };
}

function wholeBlocksOf(point: NewPoint, deviceId: string): number {
  const size = point.disks.find((disk) => disk.deviceId === deviceId)?.sizeBytes ?? 0;
  return Math.floor(size / BLOCK_BYTES) * BLOCK_BYTES;
}

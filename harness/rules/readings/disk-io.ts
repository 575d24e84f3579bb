/** Reads and writes of the disks behind a backup resource, over NBD and through proxies alike. */
import type { Observation } from '../observation.ts';
import { once } from './once.ts';
import { type Range, rangeOf } from './ranges.ts';

export interface DiskIo {
  readonly n: number;
  readonly resource: string;
  readonly device: string;
  /** `READ`, `WRITE`, `WRITE_ZEROES`, `TRIM`, `FLUSH`, `BLOCK_STATUS`. */
  readonly command: string;
  readonly range: Range;
  /** NBD's errno; 0 is success; absent when no answer ever came. */
  readonly error: number | undefined;
  readonly way: 'nbd' | 'guest';
  /** Durable when it is answered. */
  readonly isFua: boolean;
}

const FUA = 1;

/** In the order of the journal: a request over NBD stands where it was made, one in a guest where it was answered. */
export const diskIoOf = once((seen: Observation): readonly DiskIo[] =>
  [...overNbd(seen), ...inGuests(seen)].sort((a, b) => a.n - b.n),
);

function overNbd(seen: Observation): DiskIo[] {
  return seen.connections.flatMap(({ resource, device = '', requests }) =>
    requests
      .filter(({ command }) => command !== 'DISC')
      .map(({ n, command, flags, offset, length, reply }) => ({
        n,
        resource: resource?.id ?? '',
        device,
        command,
        range: rangeOf(offset, length),
        error: reply?.error,
        way: 'nbd',
        isFua: (flags & FUA) !== 0,
      })),
  );
}

function inGuests(seen: Observation): DiskIo[] {
  return seen.guestIo.flatMap(({ n, server, disk, command, offset, length, error }) => {
    const life = seen.hotAdded.findLast((one) => one.id === disk && one.proxy === server && one.n < n);
    if (life?.actor === undefined) return [];
    const { resource = '', device } = life;
    return [
      { n, resource, device, command, range: rangeOf(offset, length), error, way: 'guest', isFua: false },
    ];
  });
}

export const WRITES: ReadonlySet<string> = new Set(['WRITE', 'WRITE_ZEROES', 'TRIM']);

/**
 * The harness's own log of what the guests wrote: the truth that restored images are held against.
 *
 * The intuition: the harness is the only writer, so it knows every byte of every disk at every moment without asking
 * anybody. The model: per disk a list of operations in order, each at a position of the world's journal; the image at
 * a position is the replay of the operations before it. Invariant: nothing here is learned from the thing that is
 * judged, except the content that a disk had before the story began.
 */
import { patternBytes } from './write-pattern.ts';

export type GuestOperation =
  | { readonly kind: 'data'; readonly number: number; readonly offset: number; readonly length: number }
  | {
      readonly kind: 'zero' | 'trim';
      readonly number: number;
      readonly offset: number;
      readonly length: number;
    }
  /** The whole disk was replaced: a revert, a restore. `image` undefined: nobody knows by what. */
  | {
      readonly kind: 'replaced';
      readonly number: number;
      readonly image: Uint8Array | undefined;
      readonly why: string;
    };

interface LoggedOperation {
  readonly operation: GuestOperation;
  /** Position in the world's journal before which it took effect. */
  readonly at: number;
}

interface DiskLog {
  readonly name: string;
  readonly initial: Uint8Array;
  readonly operations: LoggedOperation[];
  /** The image that was asked for last, from which later ones go on. */
  latest: Replayed;
}

/** What a disk held after its first `count` operations. */
interface Replayed {
  readonly count: number;
  readonly bytes: Uint8Array | undefined;
}

/** What a disk held at one moment. */
export interface ExpectedImage {
  readonly disk: string;
  readonly bytes: Uint8Array;
  /** Every operation on the disk, also those after the moment: a wrong byte may come from the future. */
  readonly operations: readonly GuestOperation[];
  /** How many of `operations` came before the moment. */
  readonly operationCount: number;
  readonly initial: Uint8Array;
  /** The disk (`server/device`) that a write belongs to. */
  readonly diskOfWrite: (number: number) => string | undefined;
}

export class GuestLog {
  readonly #disks = new Map<string, DiskLog>();
  readonly #diskOfWrite = new Map<number, string>();
  #lastNumber = 0;

  /** Number of operations logged so far. */
  get length(): number {
    return this.#lastNumber;
  }

  has(server: string, device: string): boolean {
    return this.#disks.has(key(server, device));
  }

  devices(server: string): readonly string[] {
    const prefix = key(server, '');
    return [...this.#disks.keys()].filter((k) => k.startsWith(prefix)).map((k) => k.slice(prefix.length));
  }

  sizeBytes(server: string, device: string): number {
    return this.#disk(server, device).initial.length;
  }

  /** A disk comes into view, holding `initial`. */
  addDisk(server: string, device: string, initial: Uint8Array): void {
    const latest = { count: 0, bytes: initial };
    this.#disks.set(key(server, device), { name: `${server}/${device}`, initial, operations: [], latest });
  }

  /** A disk of zeros comes into view. */
  addEmptyDisk(server: string, device: string, sizeBytes: number): void {
    if (zeros.length < sizeBytes) zeros = new Uint8Array(sizeBytes);
    this.addDisk(server, device, zeros.subarray(0, sizeBytes));
  }

  /** Logs a write and returns the bytes to be written. */
  write(server: string, device: string, offset: number, length: number, at: number): Uint8Array {
    const number = this.#log(server, device, at, (n) => ({ kind: 'data', number: n, offset, length }));
    return patternBytes(number, offset, length);
  }

  zero(server: string, device: string, offset: number, length: number, at: number): void {
    this.#log(server, device, at, (number) => ({ kind: 'zero', number, offset, length }));
  }

  trim(server: string, device: string, offset: number, length: number, at: number): void {
    this.#log(server, device, at, (number) => ({ kind: 'trim', number, offset, length }));
  }

  /** The newest operation on the disk did not come to pass: its storage refused it. */
  takeBack(server: string, device: string): void {
    const disk = this.#disk(server, device);
    disk.operations.pop();
    if (disk.latest.count > disk.operations.length) disk.latest = { count: 0, bytes: disk.initial };
  }

  /** The disk's content was replaced as a whole; without `image`, by something that nobody can tell. */
  replace(server: string, device: string, image: Uint8Array | undefined, why: string, at: number): void {
    this.#log(server, device, at, (number) => ({ kind: 'replaced', number, image, why }));
  }

  /** The image before journal position `at`; `undefined` when the content was unknown then. */
  imageAt(server: string, device: string, at: number): ExpectedImage | undefined {
    const disk = this.#disk(server, device);
    const operationCount = disk.operations.filter((entry) => entry.at < at).length;
    const bytes = imageAfter(disk, operationCount);
    if (bytes === undefined) return undefined;
    return {
      disk: disk.name,
      bytes,
      operations: disk.operations.map((entry) => entry.operation),
      operationCount,
      initial: disk.initial,
      diskOfWrite: (number) => this.#diskOfWrite.get(number),
    };
  }

  #log(server: string, device: string, at: number, make: (number: number) => GuestOperation): number {
    const disk = this.#disk(server, device);
    const number = ++this.#lastNumber;
    disk.operations.push({ operation: make(number), at });
    this.#diskOfWrite.set(number, disk.name);
    return number;
  }

  #disk(server: string, device: string): DiskLog {
    const disk = this.#disks.get(key(server, device));
    if (disk === undefined) throw new Error(`the guest log knows no disk ${server}/${device}`);
    return disk;
  }
}

/** Shared by all disks that begin empty: an image is never written to once it is made. */
let zeros = new Uint8Array(0);

/** The image after the first `count` operations; `undefined` when the last replacement is unknown. */
function imageAfter(disk: DiskLog, count: number): Uint8Array | undefined {
  const start = disk.latest.count <= count ? disk.latest : { count: 0, bytes: disk.initial };
  const rest = disk.operations.slice(start.count, count).map((entry) => entry.operation);
  const bytes = replay(start.bytes, rest);
  disk.latest = { count, bytes };
  return bytes;
}

/** Replays `operations` over a copy of `start`, if there are any. */
function replay(
  start: Uint8Array | undefined,
  operations: readonly GuestOperation[],
): Uint8Array | undefined {
  const replaced = operations.findLast((operation) => operation.kind === 'replaced');
  const bytes = replaced === undefined ? start : replaced.image;
  const writes = operations.slice(replaced === undefined ? 0 : operations.indexOf(replaced) + 1);
  if (bytes === undefined || writes.length === 0) return bytes;
  const copy = bytes.slice();
  for (const write of writes) if (write.kind !== 'replaced') copy.set(operationBytes(write), write.offset);
  return copy;
}

function operationBytes(operation: Exclude<GuestOperation, { kind: 'replaced' }>): Uint8Array {
  return operation.kind === 'data'
    ? patternBytes(operation.number, operation.offset, operation.length)
    : new Uint8Array(operation.length);
}

function key(server: string, device: string): string {
  return `${server}\n${device}`;
}

/**
 * What a disk, its frozen layers and its linked clones share: the slots of really written bytes and the origins of
 * foreign synthetic blocks.
 *
 * The intuition: a slot belongs to one block index for its whole life, so whether anybody else still needs it is
 * answered by asking the other maps of the family for that block. No counters, nothing that can drift.
 *
 * Invariants: every slot is reachable from at least one map of the family; a slot that a frozen map reaches never
 * changes; memory handed out by a frozen map stays valid after the slot is gone (nobody reuses buffers).
 */
import type { FrozenExtents } from './extent-map.ts';
import {
  MAX_ORIGINS,
  MAX_OWN_GENERATION,
  foreignContent,
  kindOf,
  payloadOf,
  slotValue,
} from './content-value.ts';
import type { SyntheticBlock } from './tiles.ts';

/** Where foreign synthetic blocks came from: another disk's seed, at a fixed distance of block indexes. */
export interface Origin {
  readonly seed: number;
  readonly delta: number;
}

export class ContentPool {
  readonly #slots = new Map<number, Buffer>();
  readonly #origins: Origin[] = [];
  readonly #originNumbers = new Map<string, number>();
  readonly #maps = new Set<FrozenExtents>();
  #nextSlot = 0;
  #firstUnfrozenSlot = 0;
  #generation = 0;

  /** Number of blocks whose bytes are kept. */
  get slotCount(): number {
    return this.#slots.size;
  }

  /** Generations of synthetic content used so far. One count for all, so that no two writes look alike. */
  get generation(): number {
    return this.#generation;
  }

  nextGeneration(): number {
    if (this.#generation >= MAX_OWN_GENERATION) throw new RangeError('the disk has run out of generations');
    return ++this.#generation;
  }

  adopt<M extends FrozenExtents>(map: M): M {
    this.#maps.add(map);
    return map;
  }

  /** From now on no slot of today changes any more. */
  freezeSlots(): void {
    this.#firstUnfrozenSlot = this.#nextSlot;
  }

  /** Only one live map reaches the slot, and none of its bytes was ever handed out for good. */
  isMutable(value: number): boolean {
    return kindOf(value) === 'slot' && payloadOf(value) >= this.#firstUnfrozenSlot;
  }

  /** The map is gone; slots that only it reached go too. */
  drop(map: FrozenExtents): void {
    if (!this.#maps.delete(map)) return;
    map.visit(0, 2 ** 32, (start, _end, value) => {
      if (kindOf(value) === 'slot' && !this.#isReachable(start, value)) this.#slots.delete(payloadOf(value));
      return true;
    });
  }

  /** Keeps `bytes` (and owns them from now on); returns the value that stands for them. */
  keep(bytes: Buffer): number {
    const slot = this.#nextSlot++;
    this.#slots.set(slot, bytes);
    return slotValue(slot);
  }

  bytesOf(value: number): Buffer {
    const bytes = this.#slots.get(payloadOf(value));
    if (bytes === undefined) throw new Error(`slot ${payloadOf(value)} is gone but still referred to`);
    return bytes;
  }

  /** Call before `owner` stops holding `value` at `block`. */
  release(owner: FrozenExtents, block: number, value: number): void {
    if (kindOf(value) === 'slot' && !this.#isReachable(block, value, owner))
      this.#slots.delete(payloadOf(value));
  }

  /** The value for a foreign synthetic block found at index `at`, or `undefined` when it must be kept as bytes. */
  foreign(found: SyntheticBlock, at: number): number | undefined {
    const delta = at - found.block;
    const key = `${found.seed}/${delta}`;
    let origin = this.#originNumbers.get(key);
    if (origin === undefined) {
      origin = this.#origins.length;
      if (origin >= MAX_ORIGINS) return undefined;
      this.#origins.push({ seed: found.seed, delta });
      this.#originNumbers.set(key, origin);
    }
    return foreignContent(origin, found.generation);
  }

  originOf(number: number): Origin {
    const origin = this.#origins[number];
    if (origin === undefined) throw new RangeError(`no origin ${number}`);
    return origin;
  }

  #isReachable(block: number, value: number, except?: FrozenExtents): boolean {
    for (const map of this.#maps) if (map !== except && map.get(block) === value) return true;
    return false;
  }
}

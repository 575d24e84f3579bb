/**
 * What one block of a disk holds, packed into 32 bits so that it fits an extent map.
 *
 * The two highest bits are the kind: 0 special (hole, allocated zeros, base image), 1 synthetic content of the disk's
 * own seed (30 bits of generation), 2 a slot of really written bytes, 3 synthetic content of another origin (10 bits
 * of origin, 20 of generation), which is what a restore of synthetic blocks leaves behind.
 */

export const HOLE = 0;
export const ALLOCATED_ZERO = 1;
/** The block reads from the base image, at its own offset. */
export const BASE_IMAGE = 2;

export type ContentKind = 'hole' | 'zero' | 'base' | 'own' | 'slot' | 'foreign';

const PAYLOAD = 2 ** 30;
const FOREIGN_GENERATIONS = 2 ** 20;
export const MAX_ORIGINS = 2 ** 10;
export const MAX_OWN_GENERATION = PAYLOAD - 1;

export function kindOf(value: number): ContentKind {
  if (value < PAYLOAD) return value === HOLE ? 'hole' : value === ALLOCATED_ZERO ? 'zero' : 'base';
  if (value < 2 * PAYLOAD) return 'own';
  return value < 3 * PAYLOAD ? 'slot' : 'foreign';
}

export function ownGeneration(generation: number): number {
  return PAYLOAD + generation;
}

export function slotValue(slot: number): number {
  return 2 * PAYLOAD + slot;
}

/** `undefined` when the pair does not fit; the bytes have to be kept then. */
export function foreignContent(origin: number, generation: number): number | undefined {
  if (origin >= MAX_ORIGINS || generation >= FOREIGN_GENERATIONS) return undefined;
  return 3 * PAYLOAD + origin * FOREIGN_GENERATIONS + generation;
}

/** Generation (own) or number of the slot. */
export function payloadOf(value: number): number {
  return value % PAYLOAD;
}

export function foreignParts(value: number): { origin: number; generation: number } {
  const payload = payloadOf(value);
  return { origin: Math.floor(payload / FOREIGN_GENERATIONS), generation: payload % FOREIGN_GENERATIONS };
}

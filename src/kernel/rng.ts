/**
 * Seeded randomness (xoshiro128**). The same seed gives the same numbers on every machine; `fork` gives independent
 * streams, so that a new consumer does not shift everybody else's numbers.
 */
export interface Rng {
  /** A uniform integer in [0, 2^32). */
  u32(): number;
  /** A uniform integer in [min, max], both inclusive. The range must be below 2^53. */
  int(min: number, max: number): number;
  /** A uniform float in [0, 1). */
  float(): number;
  bytes(length: number): Uint8Array;
  /** @throws RangeError on an empty list */
  pick<T>(items: readonly T[]): T;
  /** An independent stream named `label`; forking does not advance this one. */
  fork(label: string): Rng;
}

export function createRng(seed: string): Rng {
  const state = seedState(seed);
  const u32 = (): number => nextU32(state);
  const float = (): number => (u32() * 2 ** 21 + (u32() >>> 11)) / 2 ** 53;
  const int = (min: number, max: number): number => min + Math.floor(float() * (max - min + 1));
  return {
    u32,
    float,
    int,
    bytes(length) {
      const out = new Uint8Array(length);
      for (let at = 0; at < length; at++) out[at] = u32() >>> 24;
      return out;
    },
    pick(items) {
      if (items.length === 0) throw new RangeError('pick from an empty list');
      return items[int(0, items.length - 1)] as (typeof items)[number];
    },
    fork: (label) => createRng(`${seed}/${label}`),
  };
}

function nextU32(s: Uint32Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = s;
  const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
  const c2 = c ^ a;
  const d2 = d ^ b;
  s[1] = b ^ c2;
  s[0] = a ^ d2;
  s[2] = c2 ^ (b << 9);
  s[3] = rotateLeft(d2, 11);
  return result;
}

/** Four words of state from a string, by four differently started FNV-1a hashes with a final avalanche. */
function seedState(seed: string): Uint32Array {
  const state = new Uint32Array(4);
  for (let word = 0; word < 4; word++) {
    let hash = 0x811c9dc5 ^ Math.imul(word + 1, 0x9e3779b1);
    for (let at = 0; at < seed.length; at++) hash = Math.imul(hash ^ seed.charCodeAt(at), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    state[word] = (hash ^ (hash >>> 16)) >>> 0;
  }
  if (state.every((word) => word === 0)) state[0] = 1;
  return state;
}

function rotateLeft(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

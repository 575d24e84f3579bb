/**
 * Addresses of the hosts' NBD services: each host has one of its own in 127.0.0.0/8, so that it can really go away
 * while its neighbours stay. Where the system has only 127.0.0.1, everything listens there instead.
 */
import type { Rng } from '../../src/kernel/rng.ts';

/** The addresses from which a world's hosts are numbered: never in 127.0.0.0/16, which systems use themselves. */
export function firstHostAddress(rng: Rng): number {
  return (127 << 24) + (rng.int(1, 239) << 16) + (rng.int(0, 255) << 8) + 1;
}

/** The address of host `at` (from 0): 1 to 254 in the last place, then the next 256 addresses. */
export function hostAddress(first: number, at: number): string {
  const address = first + Math.floor(at / 254) * 256 + (at % 254);
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');
}

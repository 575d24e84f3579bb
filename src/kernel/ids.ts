/** Identifiers. Branded, so that a snapshot's id can't be passed where a server's is wanted. */
import type { Rng } from './rng.ts';

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type WorldId = Id<'world'>;
/** UUID of a server (VM) as SCP names it. */
export type ServerId = Id<'server'>;
export type SnapshotId = Id<'snapshot'>;
/** `<uuid>:<uuid>`; encode it in a URL. */
export type ResourceId = Id<'backup resource'>;
export type TaskId = Id<'task'>;
/** Slot name of a disk inside its server: `ide0`, `virtio1`. */
export type DeviceId = Id<'device'>;
export type HostId = Id<'host'>;
export type DatastoreId = Id<'datastore'>;
export type PoolId = Id<'resource pool'>;
export type ClusterId = Id<'cluster'>;

/** Where new identifiers come from; seeded in a simulated world, random on a live one. */
export interface IdSource {
  uuid(): string;
  hex(length: number): string;
}

const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const byteOf = (word: number, shift: number): string => BYTES[(word >>> shift) & 0xff] ?? '';

/** Eight digits. By a table, because ids are made by the thousand. */
const hexOf = (word: number): string =>
  byteOf(word, 24) + byteOf(word, 16) + byteOf(word, 8) + byteOf(word, 0);

export function createIdSource(rng: Rng): IdSource {
  const hex = (length: number): string => {
    let out = '';
    while (out.length < length) out += hexOf(rng.u32());
    return out.length === length ? out : out.slice(0, length);
  };
  return {
    hex,
    uuid() {
      const h = hex(32);
      const variant = '89ab'[rng.int(0, 3)] ?? '8';
      return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20)}`;
    },
  };
}

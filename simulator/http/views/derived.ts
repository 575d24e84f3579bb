/** Values that the API shows and the world does not hold: made from what it holds, always the same way. */
import { hash } from 'node:crypto';
import { perWorld } from '../../domain/per-world.ts';
import type { World } from '../../domain/world-api.ts';

/** The only tenant. */
export const PROJECT = { id: '6f6e1f0a-0000-4000-8000-00000000ad01', name: 'admin' } as const;

/** 0 to 1, four decimals. */
export const ratioOf = (used: number, total: number): number =>
  total === 0 ? 0 : Math.round((used / total) * 10_000) / 10_000;

/** Lower-case hex that belongs to `label`. */
export const stableHex = (label: string, length: number): string => hash('sha256', label).slice(0, length);

/** A UUID that belongs to `label`. */
export function stableUuid(label: string): string {
  const hex = stableHex(label, 32);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A datastore is only usable for placement when it has a tag; here there is one tag per kind. */
export const storageTagId = (type: string): string => stableUuid(`storage tag ${type}`);
export const storageTagName = (type: string): string => `${type}-storage`;

type StoreLabel = { readonly id: string; readonly name: string; readonly type: string };

const labels = perWorld<Map<string, StoreLabel>>();

/**
 * Name and kind of a datastore. They do not change, while the world's own list adds up what is used each time it is
 * asked for.
 */
export function storeLabel(world: World, id: string | undefined): StoreLabel | undefined {
  if (id === undefined) return undefined;
  const known = labels(world, () => new Map());
  if (!known.has(id)) for (const store of world.datastores) known.set(store.id, store);
  return known.get(id);
}

/** Clock of every core. */
export const MHZ_PER_CORE = 2400;

export const sum = <T>(items: readonly T[], valueOf: (item: T) => number): number =>
  items.reduce((total, item) => total + valueOf(item), 0);

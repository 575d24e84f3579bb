/**
 * Which host serves a backup resource.
 *
 * @source product documentation 6.11.3, backup resources: hosts that reach all disks; the wished one if it is among
 *   them; else the one with the fewest backup resources
 * @fidelity documented; the order among equals (as in the inventory) is assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { DatastoreId, HostId } from '../../src/kernel/ids.ts';
import type { HostRecord, WorldState } from './world-state.ts';

/** Hosts that are online and reach every datastore, in the inventory's order. */
export function candidateHosts(state: WorldState, datastoreIds: Iterable<DatastoreId>): HostRecord[] {
  const wanted = new Set<string>(datastoreIds);
  const stores = [...wanted].map((id) => state.datastores.find((store) => store.id === id));
  return state.hosts.filter(
    (host) =>
      host.isOnline && stores.every((store) => store?.isOnline === true && store.hostIds.includes(host.id)),
  );
}

/** @throws NO_HOST */
export function chooseHost(
  state: WorldState,
  datastoreIds: Iterable<DatastoreId>,
  wished: string | undefined,
  load: ReadonlyMap<HostId, number>,
): HostRecord {
  const candidates = candidateHosts(state, datastoreIds);
  const asWished = candidates.find((host) => host.id === wished);
  if (asWished !== undefined) return asWished;
  const loadOf = (host: HostRecord): number => load.get(host.id as HostId) ?? 0;
  let best: HostRecord | undefined;
  for (const host of candidates) if (best === undefined || loadOf(host) < loadOf(best)) best = host;
  if (best === undefined) throw new ApiError('NO_HOST');
  return best;
}

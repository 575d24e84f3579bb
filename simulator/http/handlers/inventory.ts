import { ApiError } from '../../../src/contract/errors.ts';
import type { HostItem } from '../../../src/contract/schemas/inventory.ts';
import { parseTimestamp } from '../../../src/contract/timestamps.ts';
import type { Task } from '../../domain/world-api.ts';
import type { HandlersOf } from '../call.ts';
import { pageOfItems } from '../list-page.ts';
import { hostViews } from '../views/host-view.ts';
import { azDetail, azItem, clusterDetail, clusterItem, isInPool } from '../views/pool-view.ts';
import { storageItem } from '../views/storage-view.ts';
import { taskData, taskItem } from '../views/task-view.ts';

/** `undefined` as a filter lets everything pass. */
const isOrAny = <T>(wanted: T | undefined, value: T): boolean => wanted === undefined || wanted === value;

const contains = (wanted: string | undefined, value: string): boolean =>
  wanted === undefined || value.toLowerCase().includes(wanted.toLowerCase());

/** @throws NOT_FOUND */
function found<T>(item: T | undefined, id: string | undefined): T {
  if (item === undefined) throw new ApiError('NOT_FOUND', id);
  return item;
}

/** A time of a filter. @throws INVALID_PARAMETER */
function timeOf(name: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const ms = parseTimestamp(value);
  if (ms === undefined) throw new ApiError('INVALID_PARAMETER', `${name}: must be like 2026-02-03 04:05:06`);
  return ms;
}

/** The item before 20240725. */
function olderHost({ storage_iqn: _iqn, cpu_vendor_id: _vendor, ...older }: HostItem) {
  return older;
}

export const INVENTORY_HANDLERS: HandlersOf<
  | 'azs.list'
  | 'azs.get'
  | 'clusters.list'
  | 'clusters.get'
  | 'hosts.list'
  | 'storages.list'
  | 'tasks.list'
  | 'tasks.get'
> = {
  'azs.list': ({ world, query }) => {
    const pools = world.pools.filter((pool) => isOrAny(query.type, 'hci') && isOrAny(query.tag, pool.tag));
    return pageOfItems(pools, azItem, query);
  },
  'azs.get': ({ world, params }) =>
    azDetail(
      world,
      found(
        world.pools.find(({ id }) => id === params.az_id),
        params.az_id,
      ),
    ),
  'clusters.list': ({ world, query }) => {
    const clusters = world.clusters.filter(
      ({ poolId, name }) =>
        isOrAny(query.az_id, poolId) && isOrAny(query.type, 'hci') && contains(query.name, name),
    );
    return pageOfItems(clusters, (cluster) => clusterItem(world, cluster), query);
  },
  'clusters.get': ({ world, params }) =>
    clusterDetail(
      world,
      found(
        world.clusters.find(({ id }) => id === params.cluster_id),
        params.cluster_id,
      ),
    ),
  'hosts.list': ({ world, query, date }) => {
    const isInside = query.az_id === undefined ? () => true : isInPool(world, query.az_id);
    const hosts = world.hosts.filter(
      (host) =>
        isInside(host.clusterId) &&
        isOrAny(query.cluster_id, host.clusterId) &&
        isOrAny(query.dh_id, '') &&
        isOrAny(query.type, 'h') &&
        isOrAny(query.status, host.isOnline ? 'running' : 'offline') &&
        contains(query.name, host.name) &&
        isOrAny(query.ip, host.ip),
    );
    const toItem = hostViews(world);
    return pageOfItems(hosts, date === '20240725' ? toItem : (host) => olderHost(toItem(host)), query);
  },
  'storages.list': ({ world, query }) => {
    const isInside = query.az_id === undefined ? () => true : isInPool(world, query.az_id);
    const stores = world.datastores
      .filter(({ clusterId }) => isInside(clusterId))
      .map((store) => storageItem(world, store))
      .filter(
        (item) =>
          contains(query.name, item.name) &&
          isOrAny(query.type?.toLowerCase(), item.type) &&
          isOrAny(query.status, item.status) &&
          isOrAny(query.storage_tag_id, item.storage_tag_id) &&
          isOrAny(query.target, item.target) &&
          isOrAny(query.archive_usable, `${item.archive_usable}`) &&
          isOrAny(query.backup_enable, `${item.backup_enable}`) &&
          isOrAny(query.shared, `${item.shared}`) &&
          (query.storage_ids?.includes(item.id) ?? true),
      );
    return pageOfItems(stores, (item) => item, query);
  },
  'tasks.list': ({ world, query }) => {
    const from = timeOf('begin_time', query.begin_time, Number.NEGATIVE_INFINITY);
    const to = timeOf('end_time', query.end_time, Number.POSITIVE_INFINITY);
    const isWanted = (task: Task): boolean =>
      isOrAny(query.object_id, task.objectId) &&
      isOrAny(query.object_type, task.objectType) &&
      isOrAny(query.status, task.status) &&
      isOrAny<string>(query.az_id, task.poolId ?? '') &&
      task.beginMs >= from &&
      task.beginMs <= to;
    return pageOfItems(world.tasks.list().filter(isWanted), taskItem, query);
  },
  'tasks.get': ({ world, params }) => taskData(world.tasks.get(params.task_id ?? '')),
};

/**
 * HotAdd: a proxy gets disks of other servers, so that a backup product reads or writes them in the proxy's guest.
 *
 * The intuition: a disk is added as a linked clone of a snapshot (to be read; what the guest writes stays in the clone)
 * or as the disk itself (to be restored). Both are lent: they go with the backup resource, with the proxy's power, with
 * their datastore. Adding and removing are tasks, and a proxy can work on one of them at a time.
 *
 * Invariants: a proxy never has more disks than it may; nothing is attached to a proxy that does not run, nor for
 * backup or restore without a running backup resource; a call adds all of its disks or none; at most one HotAdd task
 * of a proxy has an effect at any time.
 *
 * @source product documentation 6.11.3, HotAdd workflow
 * @fidelity documented: the race, the detachment at power-off, several disks in one call; steps and moments assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { ServerId, TaskId } from '../../src/kernel/ids.ts';
import { DiskImage } from '../store/disk-image.ts';
import {
  type CheckedDisk,
  type PlannedDisk,
  checkHotAdd,
  planHotAdd,
  refuseNoProxy,
  slotsOf,
} from './hot-add-plan.ts';
import { attachDisks, hotAddedDisks, slotOf, viewHotAdded } from './hot-added-disk.ts';
import { deviceOf } from './hot-added-device.ts';
import { beginRemoval, refuseMissing } from './hot-remove.ts';
import type { TaskPlan } from './task-record.ts';
import type { HotAdd, HotAddRequest } from './hot-add-api.ts';
import { type HotAddedRecord, type ServerRecord, type WorldState, serverOf } from './world-state.ts';

export function createHotAdd(state: WorldState): HotAdd {
  return {
    list(proxyId) {
      state.agenda.settle();
      return hotAddedDisks(state)
        .filter(({ proxy }) => proxyId === undefined || proxy.id === proxyId)
        .map(viewHotAdded);
    },
    slots: (serverId) => slotsOf(state, serverOf(state, serverId)),
    add: (proxyId, disks, actor) => addDisks(state, serverOf(state, proxyId), disks, actor),
    remove: (proxyId, diskIds, actor) => removeDisks(state, serverOf(state, proxyId), diskIds, actor),
    device(proxyId, diskId) {
      state.agenda.settle();
      const proxy = state.servers.get(proxyId as ServerId);
      const disk = proxy?.hotAdded.find((candidate) => candidate.id === diskId);
      return disk && deviceOf(state, disk);
    },
  };
}

function addDisks(
  state: WorldState,
  proxy: ServerRecord,
  requests: readonly HotAddRequest[],
  actor: string,
): { taskId: TaskId } {
  const planned = (isAtWork(proxy) ? checkHotAdd : planHotAdd)(state, proxy, requests);
  const { startedAtMs } = proxy;
  return startTask(state, proxy, {
    action: 'hotadd.add',
    begin: (task) => task.step(`checked ${requests.length} disks`),
    finish(task) {
      if (proxy.startedAtMs !== startedAtMs) throw new ApiError('SERVER_STATE', 'it was powered off');
      const plans = planHotAdd(state, proxy, requests);
      refuseOtherResource(planned, plans);
      const disks = plans.map((plan) => createRecord(state, proxy, plan));
      if (plans.some((plan) => plan.snapshot)) task.step('linked clones created');
      attachDisks(state, disks, actor);
      task.step(`attached as ${disks.map(slotOf).join(', ')}`);
    },
  });
}

function removeDisks(
  state: WorldState,
  proxy: ServerRecord,
  diskIds: readonly string[],
  actor: string,
): { taskId: TaskId } {
  refuseNoProxy(proxy);
  const ids = [...new Set(diskIds)];
  if (ids.length === 0) throw new ApiError('INVALID_PARAMETER', 'disk_ids');
  const disks = isAtWork(proxy) ? [] : ids.map((id) => refuseMissing(proxy, id));
  return startTask(state, proxy, {
    action: 'hotadd.remove',
    begin: (task) => task.step(`checked ${ids.length} disks`),
    finish: (task) => beginRemoval(state, disks, task, actor),
    endsLater: true,
  });
}

/** Then which disks it has is changing, so that nothing can be said of it; whoever comes now loses the race anyway. */
function isAtWork(proxy: ServerRecord): boolean {
  return proxy.hotAddTaskId !== undefined;
}

/** The loser's call is accepted: only its task learns that another one works on the proxy. */
function startTask(
  state: WorldState,
  proxy: ServerRecord,
  work: Pick<TaskPlan, 'begin' | 'finish' | 'endsLater'> & {
    readonly action: 'hotadd.add' | 'hotadd.remove';
  },
): { taskId: TaskId } {
  const winner = proxy.hotAddTaskId;
  const taskId = state.tasks.start({
    ...work,
    objectType: 'VM',
    objectId: proxy.id,
    objectName: proxy.name,
    server: proxy,
    durationMs: state.settings.taskMs[work.action],
    leavesServerFree: true,
    ...(winner !== undefined && { begin: () => refuseRace(winner) }),
    ended() {
      if (proxy.hotAddTaskId === taskId) proxy.hotAddTaskId = undefined;
    },
  });
  proxy.hotAddTaskId ??= taskId;
  return { taskId };
}

function refuseRace(winner: TaskId): never {
  throw new ApiError('HOTADD_CONFLICT', `task ${winner}`);
}

/** A lease that has ended is not replaced by another one of the same server. @throws NO_BACKUP_RESOURCE */
function refuseOtherResource(planned: readonly CheckedDisk[], plans: readonly CheckedDisk[]): void {
  for (const [at, { resource, source }] of plans.entries())
    if (planned[at]?.resource !== resource) throw new ApiError('NO_BACKUP_RESOURCE', source.name);
}

function createRecord(state: WorldState, proxy: ServerRecord, plan: PlannedDisk): HotAddedRecord {
  const layer = plan.snapshot?.disks.get(plan.disk.deviceId)?.layer;
  return {
    ...plan,
    id: plan.disk.spec.uuid,
    proxy,
    image: layer === undefined ? plan.disk.image : DiskImage.cloneOf(layer),
    attachedAtMs: state.agenda.now(),
    isAttached: false,
    pending: new Set(),
    leaving: new Set(),
  };
}

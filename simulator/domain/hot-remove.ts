/** The end of a removal: the guest is asked to let go of every disk, and the task waits for it. */
import { ApiError } from '../../src/contract/errors.ts';
import { releaseDisk, viewHotAdded } from './hot-added-disk.ts';
import type { RunningTask } from './task-record.ts';
import type { HotAddedRecord, ServerRecord, WorldState } from './world-state.ts';

/** @throws DISK_NOT_ATTACHED */
export function refuseMissing(proxy: ServerRecord, diskId: string): HotAddedRecord {
  const disk = proxy.hotAdded.find((candidate) => candidate.id === diskId);
  if (disk === undefined) throw new ApiError('DISK_NOT_ATTACHED', diskId);
  return disk;
}

/**
 * Each disk goes when the guest lets go of it, even after the task has given up. One that is pulled meanwhile (power,
 * end of its backup resource) makes the task a failure.
 * @throws DISK_NOT_ATTACHED when one is gone already; then the others stay
 */
export function beginRemoval(
  state: WorldState,
  disks: readonly HotAddedRecord[],
  task: RunningTask,
  actor: string,
): void {
  for (const disk of disks) if (!disk.isAttached) throw new ApiError('DISK_NOT_ATTACHED', disk.id);
  const waiting = new Set(disks);
  const seconds = state.settings.unplugTimeoutSeconds;
  const deadline = state.agenda.at(state.agenda.now() + seconds * 1000, () => {
    const [stuck] = waiting;
    if (stuck !== undefined) task.end(new ApiError('UNPLUG_TIMEOUT', `${stuck.id}, after ${seconds} s`));
  });
  const gone = (disk: HotAddedRecord, isReleased: boolean): void => {
    waiting.delete(disk);
    if (isReleased && waiting.size > 0) return;
    deadline.cancel();
    if (isReleased) task.step('detached');
    task.end(isReleased ? undefined : new ApiError('DISK_NOT_ATTACHED', `${disk.id} was detached meanwhile`));
  };
  task.step('the guest is asked to let go');
  for (const disk of disks) disk.leaving.add((isReleased) => gone(disk, isReleased));
  for (const disk of disks)
    state.guestPort.unplug(viewHotAdded(disk), () => {
      state.agenda.settle();
      releaseDisk(state, disk, `removed by ${actor}`);
    });
}

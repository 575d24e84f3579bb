/** Calls back when a named thing happens in a story: a REST call, so many bytes read or written, a device, a storage operation, time, a step of the engine, a journal entry. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { Checkpoints } from './checkpoints.ts';
import { parseDuration, parseSize } from './quantities.ts';
import type { StorageStage } from './gated-storage.ts';
import type { EngineName, TriggerNode } from './scenario-schema.ts';
import type { Story } from './story.ts';

/**
 * Calls `fire` once, synchronously, when it happens. Returns the way to disarm. With `loses`, a request that is
 * awaited on its `before` side gets lost on its way, so that it has no effect; else it is let through.
 */
export function armTrigger(
  story: Story,
  trigger: TriggerNode,
  fire: () => void,
  options: { loses: boolean; engine: EngineName },
): () => void {
  if (trigger.operation !== undefined) {
    const isLost = options.loses && trigger.side === 'before';
    const arm = isLost ? armLostRequest : armOperation;
    return arm(story, trigger.operation, trigger, fire);
  }
  if (trigger.dataBytes !== undefined) return armBytes(story, parseSize(trigger.dataBytes), fire);
  if (trigger.device !== undefined) return armDevice(story, trigger, fire);
  if (trigger.event !== undefined) return armEvent(story, trigger.event, trigger.nth ?? 1, fire);
  if (trigger.checkpoint !== undefined)
    return armCheckpoint(story.installation(options.engine).checkpoints, trigger, fire);
  if (trigger.storage !== undefined)
    return armStorage(story.installation(options.engine).storageStage, trigger, fire);
  const timer = story.clock.setTimer(story.clock.now() + parseDuration(trigger.elapsed ?? '0ms'), fire);
  return () => timer.cancel();
}

/** `before`: the request is there. `after` (the default): its effect too, the answer is not yet given. */
function armOperation(story: Story, operation: string, trigger: TriggerNode, fire: () => void): () => void {
  const type = trigger.side === 'before' ? 'rest.request' : 'rest.reply';
  let seen = 0;
  return watchOnce(story, fire, (entry) => {
    if (entry.type === type && entry.operation === operation) seen++;
    return seen === (trigger.nth ?? 1);
  });
}

function armLostRequest(
  story: Story,
  operation: string,
  { nth = 1 }: TriggerNode,
  fire: () => void,
): () => void {
  const id = freeTriggerId(story);
  story.mayMiss.add(id);
  story.hosted.faults.add({ id, on: operation, kind: 'lose-request', after: nth - 1, times: 1 });
  const disarm = watchOnce(story, fire, (entry) => entry.type === 'fault.fired' && entry.fault === id);
  return () => {
    disarm();
    if (story.hosted.faults.list().some((fault) => fault.id === id)) story.hosted.faults.clear(id);
  };
}

/** Triggers that are armed at the same instant need ids of their own. */
function freeTriggerId(story: Story): string {
  const taken = new Set(story.hosted.faults.list().map(({ id }) => id));
  let id = `trigger-${story.position}`;
  while (taken.has(id)) id += '+';
  return id;
}

/** Bytes over NBD and bytes of hot-added devices, read and written. */
function armBytes(story: Story, bytes: number, fire: () => void): () => void {
  let moved = 0;
  return watchOnce(story, fire, (entry) => {
    if (entry.type === 'nbd.reply' && entry.error === 0) moved += entry.bytes;
    if (entry.type === 'nbd.request' && entry.command.includes('WRITE')) moved += entry.length;
    if (entry.type === 'guest.io' && entry.error === 0 && MOVES_DATA.has(entry.command))
      moved += entry.length;
    return moved >= bytes;
  });
}

const MOVES_DATA: ReadonlySet<string> = new Set(['READ', 'WRITE', 'WRITE_ZEROES']);

function armDevice(story: Story, { device, nth = 1 }: TriggerNode, fire: () => void): () => void {
  let seen = 0;
  return watchOnce(story, fire, (entry) => {
    if (entry.type === 'guest.device' && entry.change === device) seen++;
    return seen === nth;
  });
}

function armStorage(stage: StorageStage, trigger: TriggerNode, fire: () => void): () => void {
  const nth = trigger.nth ?? 1;
  let seen = 0;
  const disarm = stage.watch((side, operation, path) => {
    const isIt = operation === trigger.storage && path.includes(trigger.path ?? '');
    if (!isIt || side !== (trigger.side ?? 'after') || ++seen !== nth) return;
    disarm();
    fire();
  });
  return disarm;
}

function armEvent(
  story: Story,
  wanted: NonNullable<TriggerNode['event']>,
  nth: number,
  fire: () => void,
): () => void {
  const fields = Object.entries(wanted);
  let seen = 0;
  return watchOnce(story, fire, (entry) => {
    const values: Readonly<Record<string, unknown>> = { ...entry };
    if (fields.every(([field, value]) => values[field] === value)) seen++;
    return seen === nth;
  });
}

function armCheckpoint(
  checkpoints: Checkpoints,
  { checkpoint, nth = 1 }: TriggerNode,
  fire: () => void,
): () => void {
  let seen = 0;
  const disarm = checkpoints.watch(({ step }) => {
    if (step !== checkpoint || ++seen !== nth) return;
    disarm();
    fire();
  });
  return disarm;
}

function watchOnce(story: Story, fire: () => void, isIt: (entry: JournalEntry) => boolean): () => void {
  const disarm = story.world.journal.watch((entry) => {
    if (!isIt(entry)) return;
    disarm();
    fire();
  });
  return disarm;
}

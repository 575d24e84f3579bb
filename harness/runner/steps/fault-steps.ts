/** Faults that are planned, on the platform's side and on the repository's. */
import { faultSpecOf } from '../fault-words.ts';
import type { PlannedStorageFault } from '../gated-storage.ts';
import type { StepBodies } from '../scenario-schema.ts';
import type { Story } from '../story.ts';

export async function stepFault(story: Story, body: StepBodies['fault']): Promise<void> {
  if (body.mayMiss === true) story.mayMiss.add(body.id);
  story.hosted.faults.add(faultSpecOf(body, story.transport));
}

export async function stepClearFaults(story: Story, body: StepBodies['clearFaults']): Promise<void> {
  for (const { id, spec, fired, seen } of story.hosted.faults.list()) {
    if (body !== 'all' && !body.includes(id)) continue;
    story.clearedFaults.push({ id, kind: spec.kind, fired, seen, mayMiss: story.mayMiss.has(id) });
    story.hosted.faults.clear(id);
  }
  for (const { storageStage } of Object.values(story.installations)) {
    clearStorageFaults(story, storageStage.faults, body);
  }
}

function clearStorageFaults(
  story: Story,
  faults: PlannedStorageFault[],
  body: StepBodies['clearFaults'],
): void {
  for (const fault of faults.filter(({ id }) => body === 'all' || body.includes(id))) {
    const { id, operation, fired, seen } = fault;
    story.clearedFaults.push({ id, kind: `storage ${operation}`, fired, seen, mayMiss: false });
    faults.splice(faults.indexOf(fault), 1);
  }
}

export async function stepStorageFault(story: Story, body: StepBodies['storageFault']): Promise<void> {
  const { id, engine, operation, path, after = 0, times = 1 } = body;
  const { storageStage } = story.installation(engine);
  storageStage.faults.push({ id, operation, path: path ?? '', after, times, seen: 0, fired: 0 });
}

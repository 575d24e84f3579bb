/** Faults that are planned, on the platform's side and on the repository's. */
import type { FaultSpec } from '../../../simulator/fault/fault-api.ts';
import { parseDuration, parseSize } from '../quantities.ts';
import type { StepBodies } from '../scenario-schema.ts';
import type { Story } from '../story.ts';

export async function stepFault(story: Story, body: StepBodies['fault']): Promise<void> {
  const { mayMiss, delay, bytes, ...rest } = body;
  if (mayMiss === true) story.mayMiss.add(body.id);
  const spec = {
    ...rest,
    ...(body.kind === 'error' ? { message: body.message ?? 'Internal error.' } : {}),
    ...(body.kind === 'delay' ? { ms: parseDuration(delay ?? '0ms'), when: body.when ?? 'before' } : {}),
    ...(bytes === undefined ? {} : { bytes: parseSize(bytes) }),
  };
  // The simulator checks every field; which fields belong to which kind was checked with the file.
  story.hosted.faults.add(spec as FaultSpec);
}

export async function stepClearFaults(story: Story, body: StepBodies['clearFaults']): Promise<void> {
  for (const { id, spec, fired } of story.hosted.faults.list()) {
    if (body !== 'all' && !body.includes(id)) continue;
    story.clearedFaults.push({ id, kind: spec.kind, fired, mayMiss: story.mayMiss.has(id) });
    story.hosted.faults.clear(id);
  }
  const { faults } = story.storageStage;
  for (const fault of faults.filter(({ id }) => body === 'all' || body.includes(id))) {
    story.clearedFaults.push({
      id: fault.id,
      kind: `storage ${fault.operation}`,
      fired: fault.fired,
      mayMiss: false,
    });
    faults.splice(faults.indexOf(fault), 1);
  }
}

export async function stepStorageFault(story: Story, body: StepBodies['storageFault']): Promise<void> {
  const { id, operation, path, after = 0, times = 1 } = body;
  story.storageStage.faults.push({ id, operation, path: path ?? '', after, times, seen: 0, fired: 0 });
}

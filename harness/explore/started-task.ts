/** The task that a call began, with the time that it takes. */
import type { HttpResponse } from '../../src/sdk/http-transport.ts';
import type { World } from '../../simulator/domain/world-api.ts';

export interface StartedTask {
  readonly id: string;
  /** Virtual ms that a task of its kind takes. */
  readonly takesMs: number;
}

/** The task that an answer names, if it names one. */
export function taskOf(world: World, { status, body }: HttpResponse): StartedTask | undefined {
  if (status >= 300 || body === '') return undefined;
  const { data } = JSON.parse(body) as { data?: { task_id?: unknown } | null };
  const id = data?.task_id;
  return typeof id === 'string' ? startedTask(world, id) : undefined;
}

export function startedTask(world: World, id: string): StartedTask {
  return { id, takesMs: world.settings.taskMs[world.tasks.get(id).action] };
}

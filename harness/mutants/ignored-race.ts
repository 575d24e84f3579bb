/** What an engine does that does not look at how its HotAdd tasks end: it believes that its disks are attached. */
import { API_ERRORS } from '../../src/contract/errors.ts';
import type { HttpResponse, HttpTransport } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import { addedBy, isTaskQuery, removedBy } from './hotadd-calls.ts';
import { type DataNode, editData, intercept, matchCall, success } from './http-edits.ts';
import { endedTask } from './transport-mutants.ts';

const SERVER = /\/servers\/[^/]+$/;

/** `believed`: ids of the disks that the engine takes for attached; kept up to date. */
export function ignoringLostRaces(
  inner: HttpTransport,
  hosted: HostedWorld,
  believed: Set<string>,
): HttpTransport {
  const asked = new Map<string, readonly string[]>();
  return intercept(inner, async (request, pass) => {
    const removed = removedBy(request).filter((id) => believed.delete(id));
    if (removed.length > 0) return success(endedTask(hosted));
    const response = await pass(request);
    const added = addedBy(request);
    if (added.length > 0) asked.set(taskIdIn(response), added);
    if (matchCall(request, 'GET', SERVER) !== undefined)
      return editData(response, (data) => withBelieved(data, believed));
    if (!isTaskQuery(request)) return response;
    return editData(response, (data) => {
      const ids = asked.get(String(data['task_id'])) ?? [];
      if (ids.length === 0 || !saysRaceLost(data)) return data;
      for (const id of ids) believed.add(id);
      return { ...data, status: 'finish', progress: 100, description: '' };
    });
  });
}

export function saysRaceLost(task: DataNode): boolean {
  const description = task['description'];
  return typeof description === 'string' && description.startsWith(API_ERRORS.HOTADD_CONFLICT.message);
}

function taskIdIn({ status, body }: HttpResponse): string {
  if (status >= 300) return '';
  return String((JSON.parse(body) as { data: DataNode }).data['task_id']);
}

function withBelieved(data: DataNode, believed: ReadonlySet<string>): DataNode {
  const [first, ...disks] = (data['disks'] ?? []) as readonly DataNode[];
  if (first === undefined) return data;
  const more = [...believed].map((id) => ({ ...first, disk_id: id, application_type: 'backup' }));
  return { ...data, disks: [first, ...disks, ...more] };
}

/** Which call of HotAdd a request is, and what it names. */
import { ASSUMED_PATHS } from '../../src/contract/assumed.ts';
import type { HttpRequest } from '../../src/sdk/http-transport.ts';
import { matchCall } from './http-edits.ts';

export const HOT_ADD_PATH = pathPattern(ASSUMED_PATHS.hotAdd);
export const HOT_REMOVE_PATH = pathPattern(ASSUMED_PATHS.hotRemove);
const TASK = /\/tasks\/[^/]+$/;

/** Ids of the disks that the request adds; none when it is another call. */
export function addedBy(request: HttpRequest): readonly string[] {
  if (matchCall(request, 'POST', HOT_ADD_PATH) === undefined) return [];
  const { disks } = JSON.parse(request.body ?? '{}') as { disks: readonly { disk_id: string }[] };
  return disks.map((disk) => disk.disk_id);
}

/** Ids of the disks that the request removes; none when it is another call. */
export function removedBy(request: HttpRequest): readonly string[] {
  if (matchCall(request, 'POST', HOT_REMOVE_PATH) === undefined) return [];
  return (JSON.parse(request.body ?? '{}') as { disk_ids: readonly string[] }).disk_ids;
}

export function isTaskQuery(request: HttpRequest): boolean {
  return matchCall(request, 'GET', TASK) !== undefined;
}

function pathPattern(path: string): RegExp {
  return new RegExp(`${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

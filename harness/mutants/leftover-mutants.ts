/** Engines whose own run is sound, and who are wrong about what an earlier run, or another product, has left. */
import type { HttpRequest, HttpTransport } from '../../src/sdk/http-transport.ts';
import type { HostedWorld } from '../../simulator/app/simulator-api.ts';
import { intercept, matchCall, success } from './http-edits.ts';
import type { Mutant } from './mutant.ts';
import { answeringReleased, endedTask } from './transport-mutants.ts';

const RESOURCE = /\/backup-resources\/[^/]+$/;
const RESOURCES = /\/backup-resources$/;
const SNAPSHOT = /\/servers\/[^/]+\/snapshots\/[^/]+$/;
const SNAPSHOTS = /\/servers\/[^/]+\/snapshots$/;

export const LEFTOVER_MUTANTS: readonly Mutant[] = [
  {
    id: 'leftovers-of-others',
    breaks: 'engine',
    title: 'when it removes the snapshot of a dead run, takes all others of the server for leftovers too',
    killers: ['S033-own-leftovers-only'],
    seams: () => ({ transport: removingAll }),
  },
  {
    id: 'leftovers-in-the-wrong-order',
    breaks: 'engine',
    title: 'removes the snapshot of a dead run before the backup resource that stands on it',
    killers: ['S050-killed-while-disks-are-attached'],
    seams: () => ({ transport: removingBackwards }),
  },
];

/** Each life of an engine has a transport of its own, so what this one has not made is of an earlier life. */
function removingAll(inner: HttpTransport, hosted: HostedWorld): HttpTransport {
  let isMaking = false;
  return intercept(inner, async (request, pass) => {
    if (matchCall(request, 'POST', SNAPSHOTS) !== undefined) isMaking = true;
    const call = matchCall(request, 'DELETE', SNAPSHOT);
    if (call === undefined || isMaking) return pass(request);
    const ids = hosted.world.snapshots.list(call.serverId).map(({ id }) => id);
    return success(hosted.world.snapshots.delete(call.serverId, ids, 'mutant'));
  });
}

function removingBackwards(inner: HttpTransport, hosted: HostedWorld): HttpTransport {
  let isMaking = false;
  const held: HttpRequest[] = [];
  return intercept(inner, async (request, pass) => {
    if (matchCall(request, 'POST', RESOURCES) !== undefined) isMaking = true;
    if (!isMaking && matchCall(request, 'DELETE', RESOURCE) !== undefined) {
      held.push(request);
      return success(endedTask(hosted));
    }
    const response = await pass(request);
    if (matchCall(request, 'DELETE', SNAPSHOT) !== undefined)
      for (const late of held.splice(0)) await pass(late);
    return answeringReleased(request, response, held.length > 0);
  });
}

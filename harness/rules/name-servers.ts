/**
 * Which server a call of HCI's API is about. Such a call may name it by HCI's own id, or name only a snapshot; everything
 * else in a journal has the platform's ids.
 */
import type { Call, SnapshotLife, TaskLife } from './observation.ts';
import { idAfter } from './read-calls.ts';
import { listOf, textOf } from './read-json.ts';

/** What the journal tells of servers. */
interface Told {
  readonly calls: readonly Call[];
  readonly tasks: ReadonlyMap<string, TaskLife>;
  readonly snapshots: readonly SnapshotLife[];
}

/** The platform's id of the server; `undefined` where the call is none of HCI's, or nothing tells. */
export type NameServer = (call: Call) => string | undefined;

export function serverNames(told: Told): NameServer {
  // Most engines never talk to HCI.
  if (!told.calls.some(isOfHci)) return () => undefined;
  const ids = learnIds(told);
  const owners = new Map(told.snapshots.map(({ id, server }) => [id, server]));
  return (call) => {
    if (!isOfHci(call)) return undefined;
    return ids.get(idAfter(call, 'vms') ?? '') ?? owners.get(idAfter(call, 'snapshots') ?? '');
  };
}

function isOfHci({ segments }: Call): boolean {
  return segments[0] === 'hci';
}

/** By HCI's id: from lists of servers, from a server that was asked for by it, from tasks at one that was called by it. */
function learnIds({ calls, tasks }: Told): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const learn = (hciId: string | undefined, id: string | undefined): void => {
    // A server of another hypervisor has none.
    if (hciId !== undefined && hciId !== '' && id !== undefined) ids.set(hciId, id);
  };
  for (const { operation, reply, segments } of calls) {
    if (operation === 'servers.list')
      for (const item of listOf(reply?.data, 'data')) learn(textOf(item, 'vm_id'), textOf(item, 'id'));
    if (operation === 'servers.get') learn(segments.at(-1), textOf(reply?.data, 'id'));
  }
  for (const { call, server } of tasks.values())
    if (call !== undefined && isOfHci(call)) learn(idAfter(call, 'vms'), server);
  return ids;
}

/** REST calls of the judged engines: each request with its reply and with the faults that struck it. */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { NameServer } from './name-servers.ts';
import type { Call, FaultStrike } from './observation.ts';
import { textOf } from './read-json.ts';

type Request = Extract<JournalEntry, { type: 'rest.request' }>;
type Answer = Extract<JournalEntry, { type: 'rest.reply' }>;

interface OpenCall extends Omit<Call, 'reply' | 'faults' | 'server'> {
  server: Call['server'];
  reply: Call['reply'];
  readonly faults: FaultStrike[];
}

export interface CallIndex {
  readonly request: (entry: Request) => void;
  /** @returns the call that is answered, when it is one of a judged engine */
  readonly reply: (entry: Answer) => Call | undefined;
  readonly strike: (strike: FaultStrike) => void;
  /** At the end, when all has been told that there is. */
  readonly nameServers: (serverOf: NameServer) => void;
  readonly all: readonly Call[];
}

export function createCallIndex(actors: ReadonlySet<string>): CallIndex {
  const all: OpenCall[] = [];
  const open = new Map<number, OpenCall>();
  return {
    all,
    request(entry) {
      const actor = actorOf(entry);
      if (!actors.has(actor)) return;
      const call = callOf(entry, actor);
      all.push(call);
      open.set(call.call, call);
    },
    reply({ n, t, call: number, status, code, message, data, isLost = false }) {
      const call = open.get(number);
      if (call === undefined) return undefined;
      open.delete(number);
      call.reply = { n, t, status, code, message, data, isLost };
      return call;
    },
    strike(strike) {
      // Of several calls to one operation it is the one that came last: a fault strikes as soon as a call has come.
      const struck = [...open.values()].findLast(({ operation }) => operation === strike.on);
      struck?.faults.push(strike);
    },
    nameServers(serverOf) {
      for (const call of all) call.server = serverOf(call) ?? call.server;
    },
  };
}

/** Nobody is logged in while it logs in; who it will be, the body says. */
function actorOf({ actor, body }: Request): string {
  if (actor !== 'anonymous') return actor;
  return textOf(body, 'auth', 'passwordCredentials', 'username') ?? actor;
}

function callOf(entry: Request, actor: string): OpenCall {
  const { n, t, call, operation, method, path, query, body, clientToken } = entry;
  const raw = path.split('/').slice(1);
  const segments = path.includes('%') ? raw.map(decoded) : raw;
  const server = serverIn(segments) ?? textOf(query, 'server_id') ?? textOf(body, 'server_id');
  const asked = { n, t, call, operation, method, path, segments, query, body, actor, clientToken, server };
  return { ...asked, reply: undefined, faults: [] };
}

function serverIn(segments: readonly string[]): string | undefined {
  const at = segments.findIndex((segment) => segment === 'servers' || segment === 'vms');
  return at < 0 ? undefined : segments[at + 1];
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

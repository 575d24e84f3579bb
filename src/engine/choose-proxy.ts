/**
 * The proxy VM that a job reads or writes through: datastores of the disks -> hosts that reach all of them -> proxies
 * on such a host.
 * @source workflow of VM backups, HotAdd; SCP 6.11.3 guide, backup proxies
 * @fidelity documented
 */
import { PROXY_OS_NAME } from '../contract/assumed.ts';
import type { Datastore, Host, ServerItem } from '../sdk/scp-client-api.ts';

export interface ProxyNeed {
  /** The server whose disks are wanted. */
  readonly server: ServerItem;
  readonly datastoreIds: readonly string[];
  /** Names or ids that may be used; empty: any. */
  readonly allowed: readonly string[];
}

/** @returns ids of the running hosts that reach all datastores; none when one is unknown */
export function hostsReaching(
  datastoreIds: readonly string[],
  datastores: readonly Datastore[],
  hosts: readonly Host[],
): readonly string[] {
  const reach = datastoreIds.map((id) => new Set(datastores.find((store) => store.id === id)?.hostIds));
  return hosts.filter((host) => host.isRunning && reach.every((ids) => ids.has(host.id))).map(({ id }) => id);
}

/** Why a server cannot be the proxy; empty when it can. `undefined`: it is no proxy at all, or not a permitted one. */
export function whyUnfit(candidate: ServerItem, need: ProxyNeed): string | undefined {
  const { allowed, server } = need;
  if (candidate.osName !== PROXY_OS_NAME || candidate.id === server.id) return undefined;
  if (allowed.length > 0 && !allowed.includes(candidate.name) && !allowed.includes(candidate.id))
    return undefined;
  if (candidate.poolId !== server.poolId) return `${candidate.name} is in another resource pool`;
  if (!candidate.hasVmtools) return `${candidate.name} has no vmtools`;
  if (!USABLE.has(candidate.status)) return `${candidate.name} is ${candidate.status}`;
  return '';
}

/** Those in between come to rest, and are waited for. */
const USABLE: ReadonlySet<string> = new Set(['running', 'stopped', 'starting', 'stopping']);

export interface RankedProxy {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** Jobs of this engine at work on it. */
  readonly jobs: number;
  /** How often it has failed this job. */
  readonly strikes: number;
}

/** Best first: without failures, running, few jobs; then by name and id, so that equal worlds choose alike. */
export function rankProxies<T extends RankedProxy>(proxies: readonly T[]): readonly T[] {
  const isOff = (proxy: T): number => (proxy.status === 'running' ? 0 : 1);
  return [...proxies].sort(
    (a, b) =>
      a.strikes - b.strikes ||
      isOff(a) - isOff(b) ||
      a.jobs - b.jobs ||
      compareText(a.name, b.name) ||
      compareText(a.id, b.id),
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

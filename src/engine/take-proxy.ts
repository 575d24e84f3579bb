/** Finds the proxies that can serve a job and takes a seat on the best one. */
import type { ServerItem } from '../sdk/scp-client-api.ts';
import { serversCalled } from './find-server.ts';
import { hostsReaching, type ProxyNeed, type RankedProxy, rankProxies, whyUnfit } from './choose-proxy.ts';
import type { JobContext } from './job-context.ts';
import type { ProxyAddress } from './proxy-agent.ts';

export interface ProxySeat {
  readonly proxy: ProxyAddress;
  leave(): void;
}

export interface SeatOrReason {
  readonly seat: ProxySeat | undefined;
  /** Why there is none; empty when those that fit have failed already. */
  readonly because: string;
}

/** A proxy that has failed a job so often is not tried again in it. */
const MAX_STRIKES = 2;

/** `tried`: proxies that failed just now and shall not be taken again. */
export async function takeProxy(
  context: JobContext,
  need: ProxyNeed,
  tried: ReadonlySet<string>,
): Promise<SeatOrReason> {
  const [datastores, hosts] = await Promise.all([context.scp.datastores(), context.scp.hosts()]);
  const hostIds = hostsReaching(need.datastoreIds, datastores, hosts);
  if (hostIds.length === 0)
    return none(`no running host reaches all datastores of its disks (${need.datastoreIds.join(', ')})`);
  const servers = await serversOn(context, hostIds, need.allowed);
  const { fit, reasons } = sortOut(servers, need);
  const left = fit.filter(({ id }) => !tried.has(id) && strikesOf(context, id) < MAX_STRIKES);
  // Nothing may be awaited from here on: others choose at the same time by the same counts.
  const [best] = rankProxies(left.map((server) => rankable(context, server)));
  if (best !== undefined)
    return {
      seat: { proxy: { id: best.id, name: best.name }, leave: context.desk.join(best.id) },
      because: '',
    };
  if (fit.length > 0) return none('');
  return none(
    `no backup proxy runs on a host that reaches all datastores of its disks${listOf(need, reasons)}`,
  );
}

function none(because: string): SeatOrReason {
  return { seat: undefined, because };
}

/** Named proxies are looked up; else every server of the hosts, of which there may be thousands, is looked at. */
async function serversOn(
  context: JobContext,
  hostIds: readonly string[],
  names: readonly string[],
): Promise<readonly ServerItem[]> {
  const { scp } = context;
  if (names.length === 0) return (await Promise.all(hostIds.map((id) => scp.serversOnHost(id)))).flat();
  const found = await Promise.all(names.map((name) => serversCalled(scp, name)));
  const onHosts = found.flat().filter((server) => hostIds.includes(server.hostId));
  return [...new Map(onHosts.map((server) => [server.id, server])).values()];
}

function sortOut(
  servers: readonly ServerItem[],
  need: ProxyNeed,
): { fit: readonly ServerItem[]; reasons: readonly string[] } {
  const fit: ServerItem[] = [];
  const reasons: string[] = [];
  for (const server of servers) {
    const why = whyUnfit(server, need);
    if (why === '') fit.push(server);
    else if (why !== undefined) reasons.push(why);
  }
  return { fit, reasons };
}

function rankable(context: JobContext, { id, name, status }: ServerItem): RankedProxy {
  return { id, name, status, jobs: context.desk.jobsOn(id), strikes: strikesOf(context, id) };
}

function strikesOf(context: JobContext, proxyId: string): number {
  return context.proxyStrikes.get(proxyId) ?? 0;
}

export function addStrike(context: JobContext, proxyId: string): void {
  context.proxyStrikes.set(proxyId, strikesOf(context, proxyId) + 1);
}

function listOf(need: ProxyNeed, reasons: readonly string[]): string {
  const allowed = need.allowed.length === 0 ? [] : [`only ${need.allowed.join(', ')} may be used`];
  const all = [...allowed, ...reasons];
  return all.length === 0 ? '' : ` (${all.join('; ')})`;
}

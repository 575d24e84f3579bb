/** Carries out the planned faults of one call. */
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { FaultKind, FaultPoint } from '../fault/fault-api.ts';
import type { RawCall } from './call.ts';
import { InjectedError } from './refusal.ts';
import type { ApiWorld } from './world-directory.ts';

/** What is left to do after the effect. */
export interface StruckFaults {
  readonly kinds: readonly FaultKind[];
  readonly isRequestLost: boolean;
  readonly isReplyLost: boolean;
  readonly delayAfterMs: number;
}

export const NO_FAULTS: StruckFaults = {
  kinds: [],
  isRequestLost: false,
  isReplyLost: false,
  delayAfterMs: 0,
};

/** Asks which faults strike, and carries out what comes before the effect, apart from refusing. */
export async function strikeBefore(
  hosted: ApiWorld,
  call: RawCall,
  body: Json | undefined,
): Promise<StruckFaults> {
  if (call.operation === undefined || hosted.faults.list().length === 0) return NO_FAULTS;
  const point = pointOf(hosted, call.operation, call, body);
  const kinds = hosted.faults.strike(point);
  for (const kind of kinds) await applyBefore(kind, hosted, point, hosted.world.clock);
  return {
    kinds,
    isRequestLost: kinds.some(({ kind }) => kind === 'lose-request'),
    isReplyLost: kinds.some(({ kind }) => kind === 'lose-reply'),
    delayAfterMs: kinds.reduce(
      (sum, kind) => sum + (kind.kind === 'delay' && kind.when === 'after' ? kind.ms : 0),
      0,
    ),
  };
}

/** @throws InjectedError when one of the faults is a refusal */
export function refuseByFault(faults: StruckFaults): void {
  for (const fault of faults.kinds)
    if (fault.kind === 'error') throw new InjectedError(fault.status, fault.message);
}

async function applyBefore(
  fault: FaultKind,
  { world }: ApiWorld,
  point: FaultPoint,
  clock: Clock,
): Promise<void> {
  if (fault.kind === 'delay' && fault.when === 'before') await sleep(clock, fault.ms);
  if (fault.kind === 'expire-tokens') world.tokens.expireAll();
  if (fault.kind === 'cbt-expired' && point.serverId !== undefined) world.cbt.expire(point.serverId, 'fault');
  if (fault.kind === 'expire-resource') {
    for (const { id, serverId, status } of world.backupResources.list())
      if (status === 'running' && (point.serverId ?? serverId) === serverId)
        world.backupResources.expireNow(id);
  }
}

function pointOf(hosted: ApiWorld, on: string, call: RawCall, body: Json | undefined): FaultPoint {
  const { world } = hosted;
  const serverId = serverIdOf(hosted, call, body);
  const server = serverId && world.servers.list().find(({ id }) => id === serverId);
  const deviceId = call.query.disk_id;
  return {
    on,
    ...(serverId ? { serverId } : {}),
    ...(server ? { serverName: server.name } : {}),
    ...(typeof deviceId === 'string' ? { deviceId } : {}),
  };
}

function serverIdOf({ world }: ApiWorld, call: RawCall, body: Json | undefined): string | undefined {
  const { server_id: inPath, backup_resources_id: resourceId } = call.params;
  const inQuery = call.query.server_id;
  const inBody = (body as { server_id?: Json } | null | undefined)?.server_id;
  const named = inPath ?? (typeof inQuery === 'string' ? inQuery : inBody);
  if (typeof named === 'string') return named;
  return world.backupResources.list().find(({ id }) => id === resourceId)?.serverId;
}

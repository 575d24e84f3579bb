/** Carries out the planned faults of one call. */
import { ApiError } from '../../src/contract/errors.ts';
import { sleep } from '../../src/kernel/clock.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { FaultKind, FaultPoint } from '../fault/fault-api.ts';
import { isMangled, mangleBody } from '../fault/reply-faults.ts';
import type { World } from '../domain/world-api.ts';
import type { RawCall, Reply } from './call.ts';
import { holdersOf, pointOf } from './fault-point.ts';
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
  actor: string,
): Promise<StruckFaults> {
  if (call.operation === undefined || hosted.faults.list().length === 0) return NO_FAULTS;
  const point = pointOf(hosted.world, call.operation, call, body, actor);
  const kinds = hosted.faults.strike(point);
  const scene: Scene = { world: hosted.world, point, call, body };
  for (const kind of kinds) await applyBefore(kind, scene);
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

/** @throws InjectedError, ApiError when one of the faults is a refusal */
export function refuseByFault(faults: StruckFaults): void {
  for (const fault of faults.kinds) {
    if (fault.kind === 'error') throw new InjectedError(fault.status, fault.message);
    if (fault.kind === 'refuse') throw new ApiError(fault.code);
    if (fault.kind === 'unavailable') throw new ApiError('UNAVAILABLE');
    if (fault.kind === 'rate-limited') throw new ApiError('RATE_LIMITED');
  }
}

/** The reply as it arrives. */
export function damageByFault(faults: StruckFaults, reply: Reply): Reply {
  if (reply.body === undefined || !isMangled(faults.kinds)) return reply;
  return { ...reply, text: mangleBody(faults.kinds, JSON.stringify(reply.body)) };
}

interface Scene {
  readonly world: World;
  readonly point: FaultPoint;
  readonly call: RawCall;
  readonly body: Json | undefined;
}

async function applyBefore(fault: FaultKind, scene: Scene): Promise<void> {
  const { world, point } = scene;
  if (fault.kind === 'delay' && fault.when === 'before') await sleep(world.clock, fault.ms);
  if (fault.kind === 'expire-tokens') world.tokens.expireAll();
  if (fault.kind === 'cbt-expired' && point.serverId !== undefined) world.cbt.expire(point.serverId, 'fault');
  if (fault.kind === 'expire-resource') expireResources(scene);
}

/** Those under which the call works; all where it names no server. */
function expireResources({ world, point, call, body }: Scene): void {
  const holders = point.serverId === undefined ? undefined : holdersOf(world, point.serverId, call, body);
  for (const { id, serverId, status } of world.backupResources.list())
    if (status === 'running' && (holders?.has(serverId) ?? true)) world.backupResources.expireNow(id);
}

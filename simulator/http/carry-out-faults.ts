/** Carries out the planned faults of one call. */
import { ApiError } from '../../src/contract/errors.ts';
import { sleep } from '../../src/kernel/clock.ts';
import type { Json } from '../../src/kernel/journal.ts';
import type { FaultKind, FaultPoint } from '../fault/fault-api.ts';
import { FAULT_KIND_NAMES } from '../fault/fault-kinds.ts';
import { PAGE_FAULT_KINDS } from '../fault/page-faults.ts';
import { isMangled, mangleBody } from '../fault/reply-faults.ts';
import { type Scope, scopeOf, worldFaultsOf } from '../fault/world-faults.ts';
import type { World } from '../domain/world-api.ts';
import type { RawCall, Reply } from './call.ts';
import { holdersOf, pointOf } from './fault-point.ts';
import type { Caller } from './identify.ts';
import { InjectedError } from './refusal.ts';
import { spoilPages } from './spoil-pages.ts';
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

const OF_PAGES: readonly string[] = PAGE_FAULT_KINDS;
/** All but those of which only the answer tells whether there is anything to strike. */
const BEFORE_REPLY = FAULT_KIND_NAMES.filter((kind) => !OF_PAGES.includes(kind));

/** Asks which faults strike, and carries out what comes before the effect, apart from refusing. */
export async function strikeBefore(
  hosted: ApiWorld,
  call: RawCall,
  body: Json | undefined,
  actor: string,
): Promise<StruckFaults> {
  if (call.operation === undefined || hosted.faults.isNone()) return NO_FAULTS;
  const point = pointOf(hosted.world, call.operation, call, body, actor);
  const befalls = worldFaultsOf(hosted.world, hosted.faults);
  const scope = scopeOfCall(hosted.world, point, call, body);
  const kinds = hosted.faults.strike({
    ...point,
    can: BEFORE_REPLY,
    canStrike: (fault) => befalls.canBefall(fault, scope),
  });
  for (const kind of kinds) {
    await applyBefore(kind, hosted.world, point);
    befalls.befall(kind, scope);
  }
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

/** The content of an answer as its faults leave it. */
export function answerByFault({ hosted, actor }: Caller, call: RawCall, answer: Json): Json {
  if (call.operation !== 'cbt.changed-areas' || hosted.faults.isNone()) return answer;
  const point = pointOf(hosted.world, call.operation, call, undefined, actor);
  return spoilPages(hosted, point, call, answer);
}

/** The reply as it arrives. */
export function damageByFault(faults: StruckFaults, reply: Reply): Reply {
  if (reply.body === undefined || !isMangled(faults.kinds)) return reply;
  return { ...reply, text: mangleBody(faults.kinds, JSON.stringify(reply.body)) };
}

async function applyBefore(fault: FaultKind, world: World, { serverId }: FaultPoint): Promise<void> {
  if (fault.kind === 'delay' && fault.when === 'before') await sleep(world.clock, fault.ms);
  if (fault.kind === 'cbt-expired' && serverId !== undefined) world.cbt.expire(serverId, 'fault');
}

/** A HotAdd call is about the owners of the disks that it names, and about its proxy. */
function scopeOfCall(world: World, point: FaultPoint, call: RawCall, body: Json | undefined): Scope {
  if (point.serverId === undefined || !point.on.includes('hot-add')) return scopeOf(world, point);
  return { serverIds: holdersOf(world, point.serverId, call, body), proxyId: point.serverId };
}

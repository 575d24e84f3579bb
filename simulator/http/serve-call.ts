/**
 * One call from wire to wire: who is it, journal, faults, login and rights, limits, the schema, the effect, the
 * answer, journal. HTTP itself is somebody else's business.
 */
import { hash } from 'node:crypto';
import { dateOfPath, envelopeOfPath } from '../../src/contract/envelope.ts';
import { ApiError } from '../../src/contract/errors.ts';
import { isKnownCall } from '../../src/contract/known-paths.ts';
import type { Operation } from '../../src/contract/operation.ts';
import { operationOf } from '../../src/contract/operations.ts';
import { type Clock, sleep } from '../../src/kernel/clock.ts';
import type { Json } from '../../src/kernel/journal.ts';
import { authorize, verifySignature } from './authorize.ts';
import {
  type Call,
  headerOf,
  type Outcome,
  type RawCall,
  type Reply,
  type Session,
  type WorldOperation,
} from './call.ts';
import {
  answerByFault,
  damageByFault,
  NO_FAULTS,
  refuseByFault,
  type StruckFaults,
  strikeBefore,
} from './carry-out-faults.ts';
import type { Differing } from './differ.ts';
import { HANDLERS } from './handlers.ts';
import { worldFaultsOf } from '../fault/world-faults.ts';
import { type Caller, identifyByHeader, identifyByLogin } from './identify.ts';
import { journalReply, journalRequest } from './journal-call.ts';
import { parseBody, parseBodyOrNothing } from './parse-body.ts';
import type { PasswordKey } from './password-key.ts';
import { checkGeneralLimit, type PublicKeyLimiter } from './rate-limits.ts';
import { acceptanceOf, refusalOf } from './refusal.ts';
import { checkAgainst, coerceQuery } from './validate.ts';
import { callsOf } from './world-calls.ts';
import type { WorldDirectory } from './world-directory.ts';

export interface ApiContext {
  readonly worlds: WorldDirectory;
  readonly key: PasswordKey;
  /** Time before anybody's world is known. */
  readonly clock: Clock;
  readonly publicKeyLimiter: PublicKeyLimiter;
  /** Whether this listener is the one where the product has its `/janus` paths. */
  readonly hasJanus: boolean;
  /** How a real platform was seen to differ, when one is to be imitated. */
  readonly differing?: Differing;
}

export async function serveCall(api: ApiContext, raw: RawCall): Promise<Outcome> {
  const envelope = envelopeOfPath(raw.path);
  const { operation } = raw;
  try {
    if (operation === 'public-key' || operation === 'public-key.v2') return servePublicKey(api, raw);
    if (operation === undefined) return await serveUnknown(api, raw);
    const caller = isLogin(raw)
      ? identifyByLogin(api.worlds, api.key, raw)
      : identifyByHeader(api.worlds, raw);
    return await serveInWorld(api, { ...raw, operation }, caller);
  } catch (error) {
    return refusalOf(envelope, error);
  }
}

const isLogin = ({ operation }: RawCall): boolean =>
  operation === 'authenticate' || operation === 'authenticate.v2';

function servePublicKey(api: ApiContext, raw: RawCall): Reply {
  api.differing?.refuse(raw.operation === 'public-key.v2' ? 'public-key.v2' : 'public-key', raw.path);
  api.publicKeyLimiter.check(raw.address, api.clock.now());
  const data = { public_key: api.key.publicKey };
  return acceptanceOf(envelopeOfPath(raw.path), operationOf('public-key'), data, false);
}

/** A path without a handler is journalled too where the credential tells the world. */
async function serveUnknown(api: ApiContext, raw: RawCall): Promise<Outcome> {
  const why = new ApiError(
    api.hasJanus && isKnownCall(raw.method, raw.path) ? 'NOT_BUILT' : 'UNKNOWN_PATH',
    raw.path,
  );
  const caller = identifyOrNobody(api, raw);
  if (caller === undefined) throw why;
  const reply = refusalOf(envelopeOfPath(raw.path), why);
  const { world } = caller.hosted;
  const call = callsOf(world).next();
  journalRequest(world, call, raw, caller.actor, parseBodyOrNothing(raw));
  journalReply(world, call, raw, reply, false);
  return reply;
}

function identifyOrNobody(api: ApiContext, raw: RawCall): Caller | undefined {
  try {
    return identifyByHeader(api.worlds, raw);
  } catch {
    return undefined;
  }
}

type WorldRawCall = RawCall & { readonly operation: WorldOperation };

async function serveInWorld(api: ApiContext, raw: WorldRawCall, caller: Caller): Promise<Outcome> {
  const { world } = caller.hosted;
  const call = callsOf(world).next();
  const body = parseBodyOrNothing(raw);
  journalRequest(world, call, raw, caller.actor, body);
  const befalls = worldFaultsOf(world, caller.hosted.faults);
  const restarts = befalls.restarts();
  const isForgotten = (): boolean => befalls.restarts() !== restarts;
  let faults: StruckFaults = NO_FAULTS;
  let reply: Reply;
  try {
    verifySignature(caller, raw);
    faults = await strikeBefore(caller.hosted, raw, body, caller.actor);
    if (faults.isRequestLost || isForgotten()) {
      journalReply(world, call, raw, undefined, true);
      return 'lost';
    }
    reply = perform(api, raw, caller, faults);
  } catch (error) {
    reply = refusalOf(envelopeOfPath(raw.path), error, operationOf(raw.operation));
  }
  if (faults.delayAfterMs > 0) await sleep(world.clock, faults.delayAfterMs);
  const isLost = faults.isReplyLost || isForgotten();
  journalReply(world, call, raw, reply, isLost);
  return isLost ? 'lost' : damageByFault(faults, reply);
}

/** The call was held against the schemas of its operation, so it fits the handler of the same name. */
type AnyHandler = (call: Call, session: Session) => Json;

/** @throws ApiError, InjectedError */
function perform(api: ApiContext, raw: WorldRawCall, caller: Caller, faults: StruckFaults): Reply {
  const { world } = caller.hosted;
  const operation = operationOf(raw.operation);
  refuseByFault(faults);
  api.differing?.refuse(raw.operation, raw.path);
  authorize(caller, operation);
  if (world.settings.isRateLimited)
    checkGeneralLimit(callsOf(world).rates, { ...raw, actor: caller.actor }, world.clock.now());
  const call = checkedCall(raw, caller, operation, api.differing);
  return once(raw, caller, () => {
    const handle = HANDLERS[raw.operation] as AnyHandler;
    const answer = handle(call, { worlds: api.worlds, caller });
    const data = answerByFault(caller, raw, api.differing?.edit(raw.operation, answer) ?? answer);
    return acceptanceOf(call.envelope, operation, data, world.settings.isStrict204);
  });
}

function checkedCall(
  raw: RawCall,
  caller: Caller,
  operation: Operation,
  differing: Differing | undefined,
): Call {
  const body = parseBody(raw);
  for (const [name, value] of Object.entries(raw.params)) checkId(name, value);
  if (operation.body !== undefined) checkAgainst(operation.body, body ?? {});
  const query = operation.query === undefined ? {} : coerceQuery(operation.query, raw.query);
  if (operation.query !== undefined) checkAgainst(operation.query, query);
  differing?.page(query);
  return {
    hosted: caller.hosted,
    world: caller.hosted.world,
    actor: caller.actor,
    address: raw.address,
    date: dateOfPath(raw.path),
    envelope: envelopeOfPath(raw.path),
    params: raw.params,
    query,
    body: body ?? {},
  };
}

const ID = /^[\w.:@-]{1,128}$/;

/** Ids are of different looks (`<uuid>:<uuid>`, `host-...`, `7c1e_vs_vol_rep2`), but none has other characters. */
function checkId(name: string, value: string): void {
  if (!ID.test(value)) throw new ApiError('INVALID_PARAMETER', `${name}: is no valid id`);
}

/** X-Client-Token counts for POST and PUT, per caller. */
function once(raw: RawCall, caller: Caller, effect: () => Reply): Reply {
  const token = headerOf(raw, 'x-client-token');
  if (token === undefined || (raw.method !== 'POST' && raw.method !== 'PUT') || caller.kind === 'login')
    return effect();
  const { world } = caller.hosted;
  const body = hash('sha256', raw.body);
  const content = `${raw.method} ${raw.path} ${JSON.stringify(raw.query)} ${body}`;
  return callsOf(world).idempotency.run(`${caller.actor} ${token}`, content, world.clock.now(), effect);
}

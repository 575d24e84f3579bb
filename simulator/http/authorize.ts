/** Whether the caller is who he says and may make the call. */
import { ApiError } from '../../src/contract/errors.ts';
import type { Access, Operation } from '../../src/contract/operation.ts';
import type { CredentialSpec } from '../domain/inventory.ts';
import type { World } from '../domain/world-api.ts';
import { headerOf, type RawCall } from './call.ts';
import { isSignatureValid } from './ec2-signature.ts';
import type { Caller } from './identify.ts';

const RANK: Readonly<Record<Access, number>> = { none: 0, tenant: 1, custom_admin: 2, admin: 3 };

/** A bad signature is refused before anything else happens. @throws BAD_SIGNATURE */
export function verifySignature(caller: Caller, raw: RawCall): void {
  if (caller.kind !== 'signed') return;
  const header = (name: string): string | undefined => headerOf(raw, name);
  const request = { method: raw.method, path: raw.path, header, body: raw.body };
  if (!isSignatureValid(request, caller.signature, caller.credential.secretKey))
    throw new ApiError('BAD_SIGNATURE');
}

/** @throws TOKEN_EXPIRED, FORBIDDEN, UNKNOWN_PATH where the platform is too old for the call */
export function authorize(caller: Caller, operation: Operation): void {
  const credential = credentialOf(caller);
  if (isOlder(platformVersion(caller.hosted.world), operation.minVersion))
    throw new ApiError('UNKNOWN_PATH', `the call needs SCP ${operation.minVersion}`);
  if (credential !== undefined && RANK[credential.role] < RANK[operation.access])
    throw new ApiError('FORBIDDEN');
}

function credentialOf(caller: Caller): CredentialSpec | undefined {
  switch (caller.kind) {
    case 'login':
      return undefined;
    case 'token':
      return caller.hosted.world.tokens.check(caller.token).credential;
    case 'signed':
      return caller.credential;
  }
}

/** The newest of the pools' versions: an SCP is never older than what it manages. @fidelity assumed */
export function platformVersion(world: World): string {
  return world.pools.map(({ version }) => version).reduce((a, b) => (isOlder(a, b) ? b : a), '0.0.0');
}

/**
 * A platform may manage pools that are older than itself; to them a call is unknown that came later.
 * @throws UNKNOWN_PATH @fidelity assumed
 */
export function refuseOlderPool(world: World, poolId: string, minVersion: string): void {
  const version = world.pools.find(({ id }) => id === poolId)?.version ?? minVersion;
  if (isOlder(version, minVersion))
    throw new ApiError('UNKNOWN_PATH', `the call needs a resource pool of ${minVersion}`);
}

function isOlder(version: string, than: string): boolean {
  if (version === than) return false;
  const [a, b] = [numbersOf(version), numbersOf(than)];
  const at = [0, 1, 2].find((index) => a[index] !== b[index]);
  return at !== undefined && (a[at] ?? 0) < (b[at] ?? 0);
}

/** The versions of the contract and of the pools: a dozen. */
const parsed = new Map<string, readonly number[]>();
const PARSED_KEPT = 256;

function numbersOf(version: string): readonly number[] {
  const known = parsed.get(version);
  if (known !== undefined) return known;
  const numbers = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  if (parsed.size >= PARSED_KEPT) parsed.clear();
  parsed.set(version, numbers);
  return numbers;
}

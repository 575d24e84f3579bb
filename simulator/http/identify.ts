/** Who calls, as the request says it. Nothing is verified here: the world has to be known first. */
import { ApiError } from '../../src/contract/errors.ts';
import { authenticateBody } from '../../src/contract/schemas/login.ts';
import type { Static } from '../../src/contract/schema.ts';
import type { CredentialSpec } from '../domain/inventory.ts';
import { headerOf, type RawCall } from './call.ts';
import { type Ec2Credential, parseEc2Authorization } from './ec2-signature.ts';
import { parseBody } from './parse-body.ts';
import type { PasswordKey } from './password-key.ts';
import { checkAgainst } from './validate.ts';
import type { ApiWorld, WorldDirectory } from './world-directory.ts';

export type Caller = {
  readonly hosted: ApiWorld;
  /** Access key or user name; `anonymous` before login. */
  readonly actor: string;
} & (
  | { readonly kind: 'signed'; readonly credential: CredentialSpec; readonly signature: Ec2Credential }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'login'; readonly username: string; readonly password: string }
);

/** @throws UNAUTHENTICATED, BAD_SIGNATURE, TOKEN_EXPIRED when no world knows the credential */
export function identifyByHeader(worlds: WorldDirectory, call: RawCall): Caller {
  const authorization = headerOf(call, 'authorization')?.trim() ?? '';
  if (authorization.startsWith('AWS4-HMAC-SHA256')) return identifySigned(worlds, authorization);
  const token = /^Token\s+(\S+)$/.exec(authorization)?.[1];
  if (token === undefined) throw new ApiError('UNAUTHENTICATED');
  const owner = worlds.byToken(token);
  if (owner === undefined) throw new ApiError('TOKEN_EXPIRED');
  return { kind: 'token', hosted: owner.hosted, actor: owner.username, token };
}

function identifySigned(worlds: WorldDirectory, authorization: string): Caller {
  const signature = parseEc2Authorization(authorization);
  if (signature === undefined) throw new ApiError('BAD_SIGNATURE', 'Authorization: malformed');
  const found = worlds.byAccessKey(signature.accessKey);
  if (found === undefined) throw new ApiError('BAD_SIGNATURE', 'unknown access key');
  return { kind: 'signed', ...found, actor: signature.accessKey, signature };
}

/**
 * The world is one whose user has this password; where there is none, the oldest with such a user gets to refuse.
 * @throws MALFORMED_BODY, INVALID_PARAMETER, BAD_CREDENTIALS when no world knows the user
 */
export function identifyByLogin(worlds: WorldDirectory, key: PasswordKey, call: RawCall): Caller {
  const body = parseBody(call) ?? {};
  checkAgainst(authenticateBody, body);
  const { username, password: cipher } = (body as Static<typeof authenticateBody>).auth.passwordCredentials;
  const padding = call.operation === 'authenticate.v2' ? 'oaep' : 'pkcs1';
  const password = key.decrypt(cipher, padding) ?? '';
  const candidates = worlds.byUsername(username);
  const hosted = candidates.find((one) => hasLogin(one, username, password)) ?? candidates[0];
  if (hosted === undefined) throw new ApiError('BAD_CREDENTIALS');
  return { kind: 'login', hosted, actor: 'anonymous', username, password };
}

const hasLogin = ({ world }: ApiWorld, username: string, password: string): boolean =>
  world.credentials.some((one) => one.username === username && one.password === password);

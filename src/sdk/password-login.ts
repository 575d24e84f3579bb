/**
 * Login by user name and password.
 *
 * Platforms differ: 6.11.3 adds an OAEP variant of the call, older ones know only PKCS#1 v1.5 padding. The newer is
 * tried first where its key exists; the older is the fall-back, also when the newer refuses the password, because
 * the OAEP hash function is not documented. What worked is remembered, so a wrong password costs two refusals at the
 * first login and one after that.
 * @source SCP OpenAPI 6.11.1, public-key; SCP 6.11.3 guide, authenticate v2
 * @fidelity observed
 */
import type { OperationName } from '../contract/operations.ts';
import type { Call, CallContext } from './caller.ts';
import { FieldReader } from './field-reader.ts';
import { encryptPassword, type PasswordPadding } from './password-cipher.ts';
import { ScpError } from './scp-error.ts';

interface Scheme {
  readonly key: OperationName;
  readonly login: OperationName;
  readonly padding: PasswordPadding;
}

const SCHEMES: readonly Scheme[] = [
  { key: 'public-key.v2', login: 'authenticate.v2', padding: 'oaep' },
  { key: 'public-key', login: 'authenticate', padding: 'pkcs1' },
];

/** Statuses with which an older platform answers a call it does not know, or a padding it can't read. */
const TRY_OLDER: ReadonlySet<number> = new Set([400, 401, 404, 405, 500, 501]);

export interface PasswordCredentials {
  readonly username: string;
  readonly password: string;
}

/** Returns the login: each call gets a fresh token. */
export function createPasswordLogin(
  call: Call,
  credentials: PasswordCredentials,
  context: CallContext,
): () => Promise<string> {
  let schemes = SCHEMES;
  return async () => {
    for (const [at, scheme] of schemes.entries()) {
      try {
        const token = await loginWith(call, scheme, credentials, context);
        schemes = [scheme];
        return token;
      } catch (error) {
        const hasOlder = at + 1 < schemes.length;
        if (!hasOlder || !(error instanceof ScpError) || !TRY_OLDER.has(error.status)) throw error;
      }
    }
    throw new RangeError('no login scheme left');
  };
}

async function loginWith(
  call: Call,
  scheme: Scheme,
  { username, password }: PasswordCredentials,
  context: CallContext,
): Promise<string> {
  const key = new FieldReader(scheme.key, await call(scheme.key, {}, context)).string('public_key');
  const passwordCredentials = { username, password: encryptPassword(key, password, scheme.padding) };
  const answer = await call(scheme.login, { body: { auth: { passwordCredentials } } }, context);
  return new FieldReader(scheme.login, answer).object('access').object('token').string('id');
}

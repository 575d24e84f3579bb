/** Who the SDK is to the platform: headers for a request, and what to do when they stop being accepted. */
import type { Clock } from '../kernel/clock.ts';
import { type AccessKeys, type SignableRequest, signRequest } from './ec2-signature.ts';

export interface Authenticator {
  /** Headers that authenticate the request; logs in first where that is needed. */
  headers(request: SignableRequest): Promise<Record<string, string>>;
  /** The platform answered 401 to these headers. The next `headers` must not be of the same login. */
  rejected(headers: Readonly<Record<string, string>>): void;
}

/** Signs every request anew, so there is nothing to renew. */
export function createKeyAuthenticator(keys: AccessKeys, clock: Clock): Authenticator {
  return {
    headers: async (request) => signRequest(request, keys, clock.now()),
    rejected: () => {},
  };
}

/**
 * Keeps one token. Parallel requests share one login (which therefore heeds nobody's abort signal; its patience is
 * bounded), and a 401 to an older token does not throw the newer one away.
 */
export function createTokenAuthenticator(login: () => Promise<string>): Authenticator {
  let current: Promise<string> | undefined;
  const token = (): Promise<string> => {
    const attempt = (current ??= login());
    attempt.catch(() => {
      if (current === attempt) current = undefined;
    });
    return attempt;
  };
  let accepted = '';
  return {
    async headers() {
      accepted = await token();
      return { Authorization: `Token ${accepted}` };
    },
    rejected(headers) {
      if (headers.Authorization === `Token ${accepted}`) current = undefined;
    },
  };
}

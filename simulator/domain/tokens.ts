/**
 * Login tokens.
 *
 * @source SCP OpenAPI 6.11.1, authentication @fidelity observed shape; the default lifetime is assumed
 */
import { ApiError } from '../../src/contract/errors.ts';
import type { CredentialSpec } from './inventory.ts';
import type { Token, Tokens } from './world-api.ts';
import type { WorldState } from './world-state.ts';

interface TokenRecord extends Token {
  /** Its name in the journal, where the id must not appear. */
  readonly label: string;
}

export function createTokens(state: WorldState): Tokens {
  const tokens = new Map<string, TokenRecord>();
  let issued = 0;
  const isOver = (token: TokenRecord): boolean => state.agenda.now() >= token.expiresAtMs;
  const drop = (token: TokenRecord, why: string): void => {
    tokens.delete(token.id);
    state.journal.append({
      type: 'state',
      entity: 'token',
      id: token.label,
      from: 'valid',
      to: 'expired',
      why,
    });
  };
  return {
    issue(username, password) {
      state.agenda.settle();
      const credential = findCredential(state, username, password);
      for (const token of [...tokens.values()].filter(isOver)) drop(token, 'lifetime');
      const issuedAtMs = state.agenda.now();
      const token: TokenRecord = {
        id: state.ids.hex(64),
        label: `token-${++issued}`,
        credential,
        issuedAtMs,
        expiresAtMs: issuedAtMs + state.settings.tokenLifetimeSeconds * 1000,
      };
      tokens.set(token.id, token);
      state.journal.append({ type: 'state', entity: 'token', id: token.label, to: 'valid', why: username });
      return token;
    },
    check(id) {
      state.agenda.settle();
      const token = tokens.get(id);
      if (token !== undefined && isOver(token)) drop(token, 'lifetime');
      if (token === undefined || isOver(token)) throw new ApiError('TOKEN_EXPIRED');
      return token;
    },
    expireAll() {
      state.agenda.settle();
      for (const token of tokens.values()) drop(token, 'all tokens expired');
    },
  };
}

function findCredential(state: WorldState, username: string, password: string): CredentialSpec {
  const found = state.credentials.find((candidate) => candidate.username === username);
  if (found === undefined || found.password !== password) throw new ApiError('BAD_CREDENTIALS');
  return found;
}

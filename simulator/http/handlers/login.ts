import { ApiError } from '../../../src/contract/errors.ts';
import type { HandlersOf } from '../call.ts';
import type { Session } from '../call.ts';
import type { World } from '../../domain/world-api.ts';
import { platform, systemVersion, tokenAnswer } from '../views/platform-view.ts';

/** @throws BAD_CREDENTIALS */
function login(world: World, { worlds, caller }: Session) {
  if (caller.kind !== 'login') throw new ApiError('BAD_CREDENTIALS');
  const token = world.tokens.issue(caller.username, caller.password);
  worlds.noteToken(token.id, { hosted: caller.hosted, username: caller.username });
  return tokenAnswer(token);
}

export const LOGIN_HANDLERS: HandlersOf<
  'authenticate' | 'authenticate.v2' | 'system.version' | 'system.maintenance' | 'platform.get'
> = {
  authenticate: ({ world }, session) => login(world, session),
  'authenticate.v2': ({ world }, session) => login(world, session),
  'system.version': ({ world }) => systemVersion(world),
  'system.maintenance': () => ({ maintain_mode: 0 }),
  'platform.get': ({ world }) => platform(world),
};

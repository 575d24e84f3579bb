import { describe, expect, it } from 'vitest';
import { toJsonLine } from '../../../src/kernel/journal.ts';
import { codeOf } from './refusal.ts';
import { START_MS, smallWorld } from './small-world.ts';

describe('a login token', () => {
  it('belongs to the credential and lasts for its lifetime, to the millisecond', async () => {
    const { world, clock } = smallWorld(undefined, { settings: { tokenLifetimeSeconds: 10 } });
    const token = world.tokens.issue('svc', 'secret');
    expect(token).toMatchObject({ issuedAtMs: START_MS, expiresAtMs: START_MS + 10_000 });
    await clock.advanceTo(START_MS + 9_999);
    expect(world.tokens.check(token.id).credential.accessKey).toBe('AK1');
    await clock.advanceTo(START_MS + 10_000);
    expect(codeOf(() => world.tokens.check(token.id))).toBe('TOKEN_EXPIRED');
  });

  it('is refused to wrong names and passwords', () => {
    const { tokens } = smallWorld().world;
    expect(codeOf(() => tokens.issue('svc', 'guess'))).toBe('BAD_CREDENTIALS');
    expect(codeOf(() => tokens.issue('nobody', 'secret'))).toBe('BAD_CREDENTIALS');
  });

  it('expires on demand, with all others', () => {
    const { tokens } = smallWorld().world;
    const ids = [tokens.issue('svc', 'secret').id, tokens.issue('svc', 'secret').id];
    tokens.expireAll();
    for (const id of ids) expect(codeOf(() => tokens.check(id))).toBe('TOKEN_EXPIRED');
    expect(codeOf(() => tokens.check('never issued'))).toBe('TOKEN_EXPIRED');
  });

  it('is not to be found in the journal', () => {
    const { world, journal } = smallWorld();
    const { id } = world.tokens.issue('svc', 'secret');
    world.tokens.expireAll();
    const lines = journal.entries.map(toJsonLine).join('');
    expect(lines).toContain('token-1');
    expect(lines).not.toContain(id);
    expect(lines).not.toContain('secret');
  });
});

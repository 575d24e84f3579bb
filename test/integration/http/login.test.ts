import { describe, expect, it } from 'vitest';
import { type Answer, createTestbed } from './api-testbed.ts';
import { encryptPassword, loginAnswer } from './login-answer.ts';

const HTTP_ANONYMOUS = { Authorization: '' };

const tokenOf = (answer: Answer) =>
  (answer.body.data.access as { token: { id: string; expires: string } }).token;

describe('a login with user name and password', () => {
  it.each([
    ['v1', undefined],
    ['v2', 'sha1'],
    ['v2', 'sha256'],
  ] as const)('%s gives a token that opens the API (%s)', async (version, hash) => {
    const testbed = createTestbed();
    const answer = await loginAnswer(testbed, version, hash === undefined ? {} : { oaepHash: hash });
    expect(answer).toMatchObject({ status: 200, body: { code: 0 } });
    const headers = { Authorization: `Token ${tokenOf(answer).id}` };
    expect(await testbed.call('azs.list', {}, { headers })).toMatchObject({ status: 200 });
  });

  it('is refused for a wrong password and for an unknown user alike', async () => {
    const testbed = createTestbed();
    const wrong = await loginAnswer(testbed, 'v1', { password: 'wrong' });
    expect(wrong).toMatchObject({ status: 401, body: { code: 401, data: {} } });
    const stranger = await testbed.call(
      'authenticate',
      {},
      {
        headers: HTTP_ANONYMOUS,
        body: { auth: { passwordCredentials: { username: 'nobody', password: 'ff' } } },
      },
    );
    expect(stranger).toEqual(wrong);
  });

  it('is refused for a ciphertext of the other padding', async () => {
    const testbed = createTestbed();
    const password = await encryptPassword(testbed, 'v2', testbed.credential.password);
    const { username } = testbed.credential;
    const body = { auth: { passwordCredentials: { username, password } } };
    expect(await testbed.call('authenticate', {}, { headers: HTTP_ANONYMOUS, body })).toMatchObject({
      status: 401,
    });
  });

  it.each([
    ['{', 'not valid JSON'],
    [{}, 'auth: is required'],
    [{ auth: { passwordCredentials: { username: 'u' } } }, 'auth.passwordCredentials.password: is required'],
    [{ auth: { passwordCredentials: { username: 7, password: 'ff' } } }, 'username: must be string'],
  ])('names what is wrong with the body %j', async (body, message) => {
    const answer = await createTestbed().call('authenticate', {}, { headers: HTTP_ANONYMOUS, body });
    expect(answer).toMatchObject({ status: 400, body: { code: 400 } });
    expect(answer.body.message).toContain(message);
  });

  it('lasts as long as it says, to the second', async () => {
    const testbed = createTestbed({ settings: { tokenLifetimeSeconds: 120 } });
    const { id, expires } = tokenOf(await loginAnswer(testbed, 'v1'));
    const headers = { Authorization: `Token ${id}` };
    await testbed.clock.advanceTo(Date.parse(expires) - 1);
    expect(await testbed.call('azs.list', {}, { headers })).toMatchObject({ status: 200 });
    await testbed.clock.advanceTo(Date.parse(expires));
    expect(await testbed.call('azs.list', {}, { headers })).toMatchObject({
      status: 401,
      body: { code: 401 },
    });
  });

  it('v2 is unknown to a platform before 6.11.3', async () => {
    const testbed = createTestbed({
      change: (inventory) => ({
        ...inventory,
        pools: inventory.pools.map((pool) => ({ ...pool, version: '6.11.1' })),
      }),
    });
    expect(await loginAnswer(testbed, 'v2')).toMatchObject({ status: 404 });
    expect(await loginAnswer(testbed, 'v1')).toMatchObject({ status: 200 });
  });

  it('leaves no password, ciphertext or token in the journal', async () => {
    const testbed = createTestbed();
    const { id } = tokenOf(await loginAnswer(testbed, 'v1'));
    await testbed.call('azs.list', {}, { headers: { Authorization: `Token ${id}` } });
    const journal = JSON.stringify(testbed.world.journal.entries);
    expect(journal).toContain('"operation":"authenticate"');
    expect(journal).not.toContain(id);
    expect(journal).not.toContain(testbed.credential.password);
    expect(journal).not.toMatch(/[0-9a-f]{512}/);
  });
});

describe('without a login', () => {
  it.each([
    {},
    { Authorization: '' },
    { Authorization: 'Token' },
    { Authorization: 'Token none' },
    { Authorization: 'Basic YTpi' },
  ])('the header %j is answered 401', async (headers) => {
    const answer = await createTestbed().call('azs.list', {}, { headers: { Authorization: '', ...headers } });
    expect(answer).toMatchObject({ status: 401, body: { code: 401, data: {} } });
  });

  it('a V2 call is answered in the V2 envelope', async () => {
    const answer = await createTestbed().call('hosts.list', {}, { headers: HTTP_ANONYMOUS });
    expect(answer).toEqual({
      status: 401,
      body: { errcode: '401', message: 'Authentication is required.', data: {} },
    });
  });
});

describe('the public key', () => {
  it('is limited to 60 calls a minute, both versions together', async () => {
    const { call, clock } = createTestbed();
    const ask = (name: 'public-key' | 'public-key.v2') => call(name, {}, { headers: HTTP_ANONYMOUS });
    for (let n = 0; n < 30; n++) {
      expect((await ask('public-key')).status).toBe(200);
      expect((await ask('public-key.v2')).status).toBe(200);
    }
    expect(await ask('public-key')).toMatchObject({ status: 429, body: { code: 429 } });
    await clock.advanceBy(60_000);
    expect((await ask('public-key')).status).toBe(200);
  });
});

import { expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { createCaller, NO_RETRY } from '../../../src/sdk/caller.ts';
import { ok, scriptTransport } from './scripted-transport.ts';

it('answers are read in the way of the transport, where it has one', async () => {
  const parseJson = (): unknown => ({ code: 0, message: '', data: 'read by the transport' });
  const options = {
    authenticator: { headers: async () => ({}), rejected: () => {} },
    clock: new VirtualClock(0),
    ids: createIdSource(createRng('caller')),
  };
  const plain = createCaller({ ...options, transport: scriptTransport(ok('sent')) });
  const other = createCaller({ ...options, transport: { ...scriptTransport(ok('sent')), parseJson } });
  expect(await plain('hosts.list', {}, { retry: NO_RETRY })).toBe('sent');
  expect(await other('hosts.list', {}, { retry: NO_RETRY })).toBe('read by the transport');
});

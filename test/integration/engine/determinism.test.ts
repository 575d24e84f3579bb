import { expect, it } from 'vitest';
import type { Transport } from '../../../src/engine/engine-api.ts';
import { TWO_PROXIES } from './proxies.ts';
import { createRig, KIB, TRANSPORTS } from './rig.ts';

async function journalOf(transport: Transport, seed: string): Promise<string> {
  await using rig = await createRig({
    seed,
    login: 'password',
    proxies: TWO_PROXIES,
    servers: ['erp-01', 'erp-02'],
  });
  rig.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 400_000, on: 'nbd', after: 2 });
  rig.hosted.faults.add({ kind: 'lose-reply', on: 'snapshots.create' });
  rig.hosted.faults.add({ kind: 'device-vanishes', bytes: 100_000, on: 'guest' });
  const engine = rig.engine();
  await rig.run(Promise.all(['erp-01', 'erp-02'].map((server) => engine.backup({ server, transport }))));
  await rig.hosted.world.guest.write(rig.server.id, 'ide0', 64 * KIB, Buffer.alloc(1000, 1));
  const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport }));
  await rig.run(engine.restore({ pointId, to: 'new', transport }));
  return rig.hosted.world.journal.hash();
}

it.each([...TRANSPORTS, 'hotadd'] as const)(
  'the same seed gives the same journal over %s, another seed another one',
  async (transport) => {
    const first = await journalOf(transport, 'one');
    expect(await journalOf(transport, 'one')).toBe(first);
    expect(await journalOf(transport, 'two')).not.toBe(first);
  },
);

import { expect, it } from 'vitest';
import { createRig, KIB, TRANSPORTS } from './rig.ts';

async function journalOf(transport: 'nbd' | 'nbdssl', seed: string): Promise<string> {
  await using rig = await createRig({ seed, login: 'password' });
  rig.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 400_000, on: 'nbd', after: 2 });
  rig.hosted.faults.add({ kind: 'lose-reply', on: 'snapshots.create' });
  const engine = rig.engine();
  await rig.run(engine.backup({ server: 'erp-01', transport }));
  await rig.hosted.world.guest.write(rig.server.id, 'ide0', 64 * KIB, Buffer.alloc(1000, 1));
  const { pointId } = await rig.run(engine.backup({ server: 'erp-01', transport }));
  await rig.run(engine.restore({ pointId, to: 'new', transport }));
  return rig.hosted.world.journal.hash();
}

it.each(TRANSPORTS)(
  'the same seed gives the same journal over %s, another seed another one',
  async (transport) => {
    const first = await journalOf(transport, 'one');
    expect(await journalOf(transport, 'one')).toBe(first);
    expect(await journalOf(transport, 'two')).not.toBe(first);
  },
);

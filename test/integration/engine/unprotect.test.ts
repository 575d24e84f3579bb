import { describe, expect, it } from 'vitest';
import type { Transport } from '../../../src/engine/engine-api.ts';
import { errorChain } from '../../../harness/runner/error-chain.ts';
import { runNotes } from './expect-image.ts';
import { createRig, MIB, type Rig } from './rig.ts';

const CONTENT = { kind: 'synthetic', allocatedRatio: 0.5, runBytes: MIB } as const;
const SMALL = { datastoreId: 'ds-1', preallocate: 'off', sizeBytes: MIB, content: CONTENT } as const;
const TRANSPORT: Transport = 'nbd';

const openRig = (): Promise<Rig> =>
  createRig({
    disks: [
      { ...SMALL, deviceId: 'ide0' },
      { ...SMALL, deviceId: 'ide1' },
    ],
  });

const tracked = ({ hosted, server }: Rig): readonly string[] =>
  hosted.world.cbt
    .status(server.id)
    .disks.flatMap(({ deviceId, isEnabled }) => (isEnabled ? [deviceId] : []));

const backup = (rig: Rig) => rig.run(rig.engine().backup({ server: 'erp-01', transport: TRANSPORT }));
const unprotect = (rig: Rig, server = 'erp-01') => rig.run(rig.engine().unprotect({ server }));

describe('the end of protection', () => {
  it('switches off what another process of the engine had switched on, and forgets it', async () => {
    await using rig = await openRig();
    expect(tracked(rig)).toEqual([]);
    await backup(rig);
    expect(tracked(rig)).toEqual(['ide0', 'ide1']);
    expect(await unprotect(rig)).toMatchObject({ outcome: 'switched-off', disks: ['ide0', 'ide1'] });
    expect(tracked(rig)).toEqual([]);
    expect(await rig.repository.noteKeys()).toEqual([]);
  });

  it('waits for a server that is busy', async () => {
    await using rig = await openRig();
    await backup(rig);
    rig.hosted.faults.add({ id: 'busy', on: 'cbt.set', kind: 'refuse', code: 'SERVER_BUSY', times: 3 });
    const begunMs = rig.clock.now();
    expect(await unprotect(rig)).toMatchObject({ outcome: 'switched-off' });
    expect(rig.clock.now() - begunMs).toBeGreaterThan(5000);
    expect(await runNotes(rig)).toEqual([]);
  });

  it('leaves what is on alone when it does not know who switched it on', async () => {
    await using rig = await openRig();
    await backup(rig);
    const [key = ''] = await rig.repository.noteKeys();
    await rig.repository.writeNote(key, 'not a note');
    expect(await unprotect(rig)).toMatchObject({ outcome: 'left-as-found', disks: [] });
    expect(tracked(rig)).toEqual(['ide0', 'ide1']);
  });

  it('refuses a name that it has never heard of', async () => {
    await using rig = await openRig();
    await backup(rig);
    const error = await unprotect(rig, 'erp-02').catch((cause: unknown) => cause);
    expect(errorChain(error).at(-1)?.message).toContain('no server erp-02');
  });
});

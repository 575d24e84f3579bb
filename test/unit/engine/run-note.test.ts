import { describe, expect, it } from 'vitest';
import { type RunRecord, readRunNotes, RunNote } from '../../../src/engine/run-note.ts';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { VirtualClock } from '../../../src/kernel/virtual-clock.ts';
import { syncCodec } from '../../../src/repository/codec.ts';
import { createRepository } from '../../../src/repository/create-repository.ts';
import { MemoryStorage } from '../../../src/repository/memory-storage.ts';

const TAG = 'backlot';
const RECORD: RunRecord = {
  runId: 'run-1',
  kind: 'backup',
  serverId: 's',
  serverName: 'vm1',
  snapshots: [],
  resourceIds: [],
  unheardLockUntilMs: 0,
  hotAdded: [],
  startedProxies: [],
  aliveUntilMs: 0,
};

function openNote() {
  const clock = new VirtualClock(0);
  const ids = createIdSource(createRng('note'));
  const repository = createRepository({ storage: new MemoryStorage(), codec: syncCodec, clock, ids });
  /** What the next process would read, when every write that is under way has come to its end. */
  const kept = async (): Promise<RunRecord[]> => {
    await new Promise((resolve) => setImmediate(resolve));
    return (await readRunNotes(repository, TAG)).map(({ record }) => record);
  };
  return { note: new RunNote(repository, TAG, RECORD), kept };
}

describe('the note of a run', () => {
  it('is written before the platform hears of a name', async () => {
    const { note, kept } = openNote();
    await note.addSnapshot('snap');
    expect(await kept()).toMatchObject([{ snapshots: [{ name: 'snap' }] }]);
  });

  it('goes on naming what is gone until the next change is written', async () => {
    const { note, kept } = openNote();
    await note.addSnapshot('snap');
    note.learnSnapshotId('snap', 'id-1');
    expect(await kept()).toMatchObject([{ snapshots: [{ name: 'snap' }], resourceIds: [] }]);
    await note.addResource('resource-1');
    expect(await kept()).toMatchObject([{ snapshots: [{ name: 'snap', id: 'id-1' }] }]);
    note.dropResource('resource-1');
    note.dropSnapshot('snap');
    expect(await kept()).toMatchObject([{ snapshots: [{ name: 'snap' }], resourceIds: ['resource-1'] }]);
    await note.update({ aliveUntilMs: 1 });
    expect(await kept()).toMatchObject([{ snapshots: [], resourceIds: [] }]);
  });

  it('is gone when the run ends and all that it names is', async () => {
    const { note, kept } = openNote();
    await note.addSnapshot('snap');
    note.dropSnapshot('snap');
    await note.close();
    expect(await kept()).toEqual([]);
  });

  it('strikes out disks of proxies at once, since they may be others’ in the next moment', async () => {
    const { note, kept } = openNote();
    await note.addHotAdded({ id: 'p', name: 'proxy-1' }, ['disk-1']);
    await note.dropHotAdded('p', ['disk-1']);
    expect(await kept()).toMatchObject([{ hotAdded: [] }]);
  });

  it('remembers of a disk how its last removal ended until it is added again, and of no other disk', async () => {
    const { note } = openNote();
    const proxy = { id: 'p', name: 'proxy-1' };
    const hangs = new Error('it hangs');
    const removals = () => ['disk-1', 'disk-2'].map((id) => note.failedRemoval('p', id));
    await note.addHotAdded(proxy, ['disk-1', 'disk-2']);
    expect(removals()).toEqual([undefined, undefined]);
    note.failRemoval('p', ['disk-1', 'disk-2'], hangs);
    await note.addHotAdded(proxy, ['disk-1']);
    expect(removals()).toEqual([undefined, hangs]);
    expect(note.failedRemoval('another', 'disk-2')).toBeUndefined();
  });
});

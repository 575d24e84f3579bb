import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHotAddTestbed, type HotAddTestbed } from '../../integration/http/hot-add-testbed.ts';

interface Known {
  readonly diskIds: readonly string[];
  readonly snapshotId: string;
  readonly serverId: string;
}

/** Right values and wrong ones of every kind, the right ones often enough to be accepted. */
const valueOf = (...right: readonly string[]) =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...right) },
    { weight: 1, arbitrary: fc.jsonValue() },
    { weight: 1, arbitrary: fc.constantFrom('', '__proto__', '\u0000', 'x'.repeat(200)) },
  );

const diskOf = ({ diskIds, snapshotId, serverId }: Known) =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record(
        {
          disk_id: valueOf(...diskIds),
          application_type: valueOf('backup', 'backup', 'restore', 'normal'),
          snapshot_id: valueOf(snapshotId),
          source_server_id: valueOf(serverId),
        },
        { requiredKeys: ['disk_id', 'application_type', 'snapshot_id'] },
      ),
    },
    { weight: 1, arbitrary: fc.jsonValue() },
  );

async function known(testbed: HotAddTestbed): Promise<Known> {
  const { snapshotId } = await testbed.lease();
  const { server } = testbed;
  return { snapshotId, serverId: server.id, diskIds: server.disks.map(({ uuid }) => uuid) };
}

const tasksBegun = ({ world }: HotAddTestbed): number =>
  world.tasks.list().filter(({ action }) => action === 'hotadd.add').length;

describe.each([{ door: 'SCP' }, { door: 'HCI' }] as const)('any body at the $door door', ({ door: name }) => {
  it('adds all of its disks or is refused with a reason, and never breaks the server', async () => {
    const testbed = createHotAddTestbed();
    const door = testbed.doors[name];
    const facts = await known(testbed);
    const clones = fc.subarray(testbed.clones(facts.snapshotId), { minLength: 1 });
    const body = fc.oneof(
      { weight: 4, arbitrary: clones },
      { weight: 8, arbitrary: fc.array(diskOf(facts), { maxLength: 4 }) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    let accepted = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(body, async (disks) => {
        const before = tasksBegun(testbed);
        const answer = await door.add(disks);
        expect([200, 400]).toContain(answer.status);
        if (answer.status === 400) {
          refused++;
          expect(answer.body).toEqual(door.refusal(400, expect.stringMatching(/./)));
          expect([tasksBegun(testbed), testbed.attached()]).toEqual([before, []]);
          return;
        }
        accepted++;
        expect(await testbed.outcome(answer)).toMatchObject({ status: 'finish' });
        const ids = (disks as { disk_id: string }[]).map(({ disk_id }) => disk_id);
        expect(testbed.attached().toSorted()).toEqual(ids.toSorted());
        await testbed.outcome(await door.remove(ids));
      }),
      { numRuns: 150 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(5);
  });

  it('removes nothing that is not there', async () => {
    const testbed = createHotAddTestbed();
    const { diskIds } = await known(testbed);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.array(valueOf(...diskIds))), async (ids) => {
        const answer = await testbed.doors[name].remove(ids);
        expect(answer.status).toBe(400);
        expect(answer.body.message).toMatch(/Invalid parameter|The disk is not attached/);
      }),
      { numRuns: 100 },
    );
  });
});

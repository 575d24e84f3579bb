import { describe, expect, it } from 'vitest';
import { expectNothingLeft } from './expect-image.ts';
import { createRig, type Rig } from './rig.ts';

const JOB = { server: 'erp-01', transport: 'nbd' } as const;

/** How often the platform will say that it has deleted a snapshot when it has not. */
async function playPhantoms(times: number): Promise<Rig> {
  const rig = await createRig();
  rig.hosted.faults.add({ kind: 'task-phantom', on: 'task:snapshot.delete', times });
  return rig;
}

describe('a snapshot whose removal is reported done and was none', () => {
  it('is removed by the same job, within minutes', async () => {
    await using rig = await playPhantoms(2);
    const { warnings, durationMs } = await rig.run(rig.engine().backup(JOB));
    expect(warnings).toEqual([]);
    expect(durationMs).toBeLessThan(5 * 60_000);
    await expectNothingLeft(rig);
  });

  it('is left to the next job after three removals, with a warning', async () => {
    await using rig = await playPhantoms(3);
    const { warnings, durationMs } = await rig.run(rig.engine().backup(JOB));
    expect(warnings.join()).toMatch(/is still there although its deletion was reported done/);
    expect(durationMs).toBeLessThan(5 * 60_000);
    expect(rig.snapshots()).toHaveLength(1);
    const next = await rig.run(rig.engine().backup(JOB));
    expect(next.warnings).toEqual([expect.stringContaining('removed a left-over snapshot')]);
    await expectNothingLeft(rig);
  });
});

import { describe, expect, it } from 'vitest';
import { DEFAULT_NBD_PORT } from '../../../src/contract/assumed.ts';
import { listNbdExports } from '../../../src/nbd/index.ts';
import { expectNothingLeft, expectSameAsLive } from './expect-image.ts';
import { expectProxiesClean, HOTADD_JOB } from './proxies.ts';
import { createRig, ONE_PROXY, type Rig } from './rig.ts';

const WITHOUT_TLS = { isTlsOffered: false };

/** Answers of the hosts to STARTTLS. */
function tlsAnswers(rig: Rig): readonly string[] {
  return rig.hosted.world.journal.entries.flatMap((entry) =>
    entry.type === 'nbd.option' && entry.option === 'STARTTLS' ? [entry.reply] : [],
  );
}

const openings = (rig: Rig): number =>
  rig.hosted.world.journal.entries.filter(({ type }) => type === 'nbd.open').length;

describe('a platform without NBDSSL', () => {
  it('refuses a backup over NBDSSL before anything is made, and says what there is', async () => {
    await using rig = await createRig({ settings: WITHOUT_TLS });
    const job = rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbdssl' }));
    await expect(job).rejects.toMatchObject({
      name: 'JobFailed',
      step: 'eligibility',
      cause: {
        message: expect.stringContaining('erp-01 cannot be read over nbdssl; its pool offers nbd, hotadd'),
      },
    });
    expect(openings(rig)).toBe(0);
    await expectNothingLeft(rig);
  });

  it('refuses STARTTLS of whoever asks all the same', async () => {
    await using rig = await createRig({ settings: WITHOUT_TLS });
    const [host] = rig.hosted.world.hosts;
    if (host === undefined) throw new Error('the world has no host');
    const dial = (signal: AbortSignal) => rig.simulator.dialNbd(host.ip, DEFAULT_NBD_PORT, signal);
    const tls = { ca: rig.hosted.caPem(host.clusterId), host: host.ip };
    const asked = rig.run(listNbdExports({ dial, tls }, rig.clock));
    await expect(asked).rejects.toMatchObject({
      name: 'NbdTlsError',
      message: expect.stringContaining('ERR_POLICY'),
    });
    expect(tlsAnswers(rig)).toEqual(['ERR_POLICY']);
  });

  it.each([
    [false, []],
    [true, ['ACK']],
  ])(
    'has the clones in a proxy compared over TLS only where that is offered: %s',
    async (isTlsOffered, answers) => {
      await using rig = await createRig({ proxies: ONE_PROXY, settings: { isTlsOffered } });
      const result = await rig.run(rig.engine().backup(HOTADD_JOB));
      expect(result).toMatchObject({ transport: 'hotadd', warnings: [] });
      expect(openings(rig)).toBeGreaterThan(0);
      expect([...new Set(tlsAnswers(rig))]).toEqual(answers);
      await expectSameAsLive(rig, result.pointId);
      await expectProxiesClean(rig);
    },
  );
});

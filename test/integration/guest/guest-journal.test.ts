import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { createGuestRig, PROXY } from './guest-rig.ts';

const validate = new Ajv2020({ strict: false }).compile(
  JSON.parse(readFileSync('src/kernel/journal.schema.json', 'utf8')) as object,
);

it('every entry of a journal with a guest, its faults and its end fits the published schema', async () => {
  await using rig = await createGuestRig();
  rig.fault({ kind: 'guest-signature' });
  await rig.add('ide0', 'ide1');
  const disk = await rig.open('vdb');
  await rig.run(disk.read(0, 16));
  await rig.taskEnd(rig.remove('ide0'));
  await rig.taskEnd(rig.hosted.world.servers.stop(PROXY, { force: true }, 'test'));
  const entries = rig.hosted.world.journal.entries.map(
    (entry) => JSON.parse(JSON.stringify(entry)) as object,
  );
  expect(entries.filter((entry) => !validate(entry))).toEqual([]);
  const kinds = new Set(rig.hosted.world.journal.entries.map(({ type }) => type));
  expect(kinds).toContain('guest.device');
  expect(kinds).toContain('guest.io');
});

it('two runs with one seed and the same calls have the same journal', async () => {
  const play = async (): Promise<string> => {
    await using rig = await createGuestRig();
    rig.fault({ kind: 'device-late', ms: 500 });
    await rig.add('ide0', 'ide1');
    await rig.clock.advanceBy(1000);
    await rig.run((await rig.open('vdc')).read(0, 4096));
    await rig.taskEnd(rig.remove('ide0', 'ide1'));
    return rig.hosted.world.journal.hash();
  };
  expect(await play()).toBe(await play());
});

import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { createRig, ONE_PROXY } from './rig.ts';

const validate = new Ajv2020({ strict: false }).compile(
  JSON.parse(readFileSync('src/kernel/journal.schema.json', 'utf8')) as object,
);

it('every entry of a journal with backup, restore, faults and guest writes fits the published schema', async () => {
  await using rig = await createRig({ seed: 'schema', login: 'password', proxies: ONE_PROXY });
  rig.hosted.faults.add({ kind: 'drop-after-bytes', bytes: 400_000, on: 'nbd', after: 2 });
  rig.hosted.faults.add({ kind: 'lose-reply', on: 'snapshots.create' });
  await rig.hosted.world.guest.write(rig.server.id, 'ide0', 65_536, Buffer.alloc(1000, 1));
  const { pointId } = await rig.run(rig.engine().backup({ server: 'erp-01', transport: 'nbdssl' }));
  await rig.run(rig.engine().restore({ pointId, to: 'new', transport: 'nbd' }));
  await rig.run(rig.engine().backup({ server: 'erp-01', transport: 'hotadd' }));
  const entries = rig.hosted.world.journal.entries.map(
    (entry) => JSON.parse(JSON.stringify(entry)) as object,
  );
  const wrong = entries.filter((entry) => !validate(entry));
  expect(wrong.slice(0, 3)).toEqual([]);
  const kinds = new Set(rig.hosted.world.journal.entries.map(({ type }) => type));
  expect([...kinds].toSorted()).toEqual([
    'fault.fired',
    'guest.device',
    'guest.io',
    'guest.write',
    'nbd.close',
    'nbd.open',
    'nbd.option',
    'nbd.reply',
    'nbd.request',
    'rest.reply',
    'rest.request',
    'state',
    'task',
    'world.created',
  ]);
});

it('the schema refuses an entry of an unknown type, and one with a field too many', () => {
  expect(validate({ n: 0, t: 0, type: 'nbd.sneeze' })).toBe(false);
  expect(validate({ n: 0, t: 0, type: 'nbd.close', connection: 1, why: 'x', extra: 1 })).toBe(false);
  expect(validate({ n: 0, t: 0, type: 'nbd.close', connection: 1, why: 'x' })).toBe(true);
});

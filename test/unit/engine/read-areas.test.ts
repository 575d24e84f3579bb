import { expect, it } from 'vitest';
import { readAreas } from '../../../src/engine/read-areas.ts';
import type { ChangedAreas, ScpClient } from '../../../src/sdk/scp-client-api.ts';

const SIZE = 1_000_448;
const QUERY = { serverId: 'v', deviceId: 'ide0', snapshotId: 's', checkpointId: 1 };

function read(...pages: ChangedAreas[]) {
  const asked: number[] = [];
  const scp = {
    changedAreas: async ({ startOffset }: { startOffset: number }) => {
      const page = pages[asked.push(startOffset) - 1];
      if (page === undefined) throw new Error('asked beyond the last page');
      return page;
    },
  } as unknown as ScpClient;
  return { asked, areas: readAreas(scp, QUERY, SIZE) };
}

const page = (startOffset: number, length: number, ...areas: [number, number][]): ChangedAreas => ({
  startOffset,
  length,
  areas: areas.map(([start, size]) => ({ start, length: size })),
});

it('joins pages up to the exact end of the disk and asks no further', async () => {
  const { asked, areas } = read(
    page(0, 524_288, [65_536, 65_536]),
    page(524_288, SIZE - 524_288, [983_040, 65_536]),
  );
  expect(await areas).toEqual([
    { offset: 65_536, length: 65_536 },
    { offset: 983_040, length: SIZE - 983_040 },
  ]);
  expect(asked).toEqual([0, 524_288]);
});

it('takes a last page that reaches beyond the end', async () => {
  expect(await read(page(0, 2 ** 30, [0, 2 ** 30])).areas).toEqual([{ offset: 0, length: SIZE }]);
});

it.each([
  ['covers nothing', page(0, 0)],
  ['covers less than a sector', page(0, 100)],
  ['starts elsewhere', page(65_536, SIZE)],
  ['lists an area beyond the disk', page(0, SIZE, [SIZE, 512])],
])('refuses a page that %s', async (_, broken) => {
  await expect(read(broken).areas).rejects.toMatchObject({ name: 'ProtocolError' });
});

it('refuses an area that lies before its page', async () => {
  const { areas } = read(page(0, 524_288), page(524_288, SIZE, [0, 512]));
  await expect(areas).rejects.toMatchObject({ name: 'ProtocolError', field: 'changed_area' });
});

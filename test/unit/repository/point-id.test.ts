import { expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { createRng } from '../../../src/kernel/rng.ts';
import { createPointId } from '../../../src/repository/point-id.ts';

const ids = createIdSource(createRng('ids'));

it('stamps point ids in UTC as the calendar says, leap days included', () => {
  const rng = createRng('instants');
  const instants = [
    '1970-01-01',
    '2000-02-29',
    '2024-02-29',
    '2024-12-31',
    '2100-02-28',
    '2100-03-01',
    '2400-02-29',
  ];
  const edges = instants.flatMap((day) => [
    Date.parse(`${day}T00:00:00Z`),
    Date.parse(`${day}T23:59:59.999Z`),
  ]);
  for (const ms of [...edges, ...Array.from({ length: 2000 }, () => rng.int(0, 8e12))]) {
    const stamp = new Date(ms).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
    expect(createPointId(ms, ids)).toMatch(new RegExp(`^${stamp}-[0-9a-f]{8}$`));
  }
});

import Schema from 'typebox/schema';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkShape } from '../../../simulator/inventory/check-shape.ts';
import { INVENTORY_SCHEMA } from '../../../simulator/inventory/inventory-schema.ts';
import { parseSize } from '../../../simulator/inventory/size.ts';

const size = fc.oneof(
  fc.integer({ min: -1, max: 5 }),
  fc.constantFrom('1GiB', '2TiB+512', '3 MiB', '1 GB', 'x'),
);
const disk = fc.oneof(
  size,
  fc.record(
    {
      size,
      deviceId: fc.constantFrom('ide0', 'virtio12', 'sda', ''),
      preallocate: fc.constantFrom('off', 'full', 'on'),
      content: fc.oneof(
        fc.constantFrom('empty', 'full'),
        fc.record({ kind: fc.constantFrom('empty', 'image', 'qcow2'), allocatedRatio: fc.double() }),
      ),
    },
    { requiredKeys: [] },
  ),
  fc.constant(null),
);
const server = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'c', 'd', '', 7, 'x'.repeat(90), 'x'.repeat(91)),
    disks: fc.oneof({ weight: 5, arbitrary: fc.array(disk, { maxLength: 2 }) }, fc.constant(3)),
    isRunning: fc.constantFrom(true, false, true, 'yes'),
    sockets: fc.constantFrom(1, 2, 64, 0, 65, 1.5),
    vmtools: fc.constantFrom(1, 0, -1, 2),
  },
  { requiredKeys: ['name', 'disks'] },
);
const oddServer = fc.constantFrom(null, {}, { name: 'a' }, { name: 'a', disks: [], extra: 1 });
const host = fc.record({ name: fc.constant('h'), ip: fc.constantFrom('127.0.0.5', '127.1', 'x') });
const file = fc.record(
  {
    servers: fc.array(fc.oneof(server, server, server, oddServer), { maxLength: 2 }),
    hosts: fc.array(host, { maxLength: 1 }),
  },
  { requiredKeys: [] },
);

describe('checkShape', () => {
  it('accepts exactly what a JSON Schema validator accepts', () => {
    let accepted = 0;
    fc.assert(
      fc.property(file, (value) => {
        const isFit = checkShape(value, INVENTORY_SCHEMA).length === 0;
        accepted += isFit ? 1 : 0;
        expect(isFit).toBe(Schema.Check(INVENTORY_SCHEMA, value));
      }),
      { numRuns: 1500, seed: 1 },
    );
    expect(accepted).toBeGreaterThan(10);
  });
});

describe('parseSize', () => {
  it.each([
    ['10GiB', 10 * 2 ** 30],
    ['1.5TiB', 1.5 * 2 ** 40],
    ['1TiB+512', 2 ** 40 + 512],
    ['64MiB - 512', 64 * 2 ** 20 - 512],
    ['4096', 4096],
    [4096, 4096],
    ['1GB', undefined],
    ['0.1B', undefined],
    ['1B-2B', undefined],
    ['', undefined],
    ['1GiB2', undefined],
    [-1, undefined],
  ])('reads %j as %j', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { INVENTORY_SCHEMA } from '../../../simulator/inventory/inventory-schema.ts';
import {
  InventoryError,
  parseInventory,
  readInventory,
} from '../../../simulator/inventory/parse-inventory.ts';

function problemsOf(text: string): readonly string[] {
  try {
    parseInventory(text, 'lab.yaml');
  } catch (error) {
    if (error instanceof InventoryError) return error.problems;
    throw error;
  }
  return [];
}

describe('parseInventory', () => {
  it('fills in pool, cluster, host and datastore for a file that only lists servers with disks', () => {
    const inventory = parseInventory('servers:\n  - name: web\n    disks: [10GiB, 1TiB+512]\n', 'lab.yaml');
    const [server] = inventory.servers;
    expect(inventory.pools).toHaveLength(1);
    expect(inventory.clusters[0]?.poolId).toBe(inventory.pools[0]?.id);
    expect(inventory.datastores[0]?.hostIds).toEqual([inventory.hosts[0]?.id]);
    expect(server).toMatchObject({ name: 'web', hostId: inventory.hosts[0]?.id, isRunning: true });
    expect(server?.disks).toMatchObject([
      { deviceId: 'ide0', sizeBytes: 10 * 2 ** 30, datastoreId: inventory.datastores[0]?.id },
      { deviceId: 'ide1', sizeBytes: 2 ** 40 + 512 },
    ]);
  });

  it('draws what is left out from the seed', () => {
    const text = 'servers: [{ name: web, disks: [1GiB] }]';
    expect(parseInventory(text, 'a', 'one')).toEqual(parseInventory(text, 'b', 'one'));
    expect(parseInventory(text, 'a', 'two').servers[0]?.id).not.toBe(
      parseInventory(text, 'a', 'one').servers[0]?.id,
    );
  });

  it('takes JSON, references by name, and everything that an inventory can say', () => {
    const inventory = parseInventory(
      JSON.stringify({
        pools: [{ name: 'p', version: '6.10.0' }],
        clusters: [{ name: 'c1' }, { name: 'c2', ip: '10.0.0.9' }],
        hosts: [{ name: 'h1', clusterId: 'c2', ip: '127.3.0.1' }],
        datastores: [{ name: 'd1', type: 'nfs', clusterId: 'c2', hostIds: ['h1'] }],
        servers: [
          {
            id: 'vm-1',
            name: 'web',
            hostId: 'h1',
            isRunning: false,
            osName: 'Backup Proxy',
            disks: [
              {
                deviceId: 'virtio3',
                sizeBytes: 65_536,
                datastoreId: 'd1',
                isCbtEnabled: true,
                content: 'empty',
              },
              { size: '64MiB-512', content: { kind: 'synthetic', allocatedRatio: 0.5, runBytes: '1MiB' } },
              { content: { kind: 'image', file: 'disk.img' } },
            ],
          },
        ],
        credentials: [{ username: 'u', password: 'p', accessKey: 'a', secretKey: 's', role: 'tenant' }],
      }),
      'lab.json',
    );
    expect(inventory.hosts[0]?.clusterId).toBe(inventory.clusters[1]?.id);
    expect(inventory.servers[0]).toMatchObject({
      id: 'vm-1',
      isRunning: false,
      osName: 'Backup Proxy',
      disks: [
        { deviceId: 'virtio3', sizeBytes: 65_536, isCbtEnabled: true, content: { kind: 'empty' } },
        {
          deviceId: 'ide0',
          sizeBytes: 64 * 2 ** 20 - 512,
          content: { allocatedRatio: 0.5, runBytes: 2 ** 20 },
        },
        { deviceId: 'ide1', content: { kind: 'image', file: 'disk.img' } },
      ],
    });
    expect(inventory.credentials).toEqual([
      { username: 'u', password: 'p', accessKey: 'a', secretKey: 's', role: 'tenant' },
    ]);
  });

  it('reports every mistake at once, each with file, line, column, field and what is allowed', () => {
    const problems = problemsOf(
      [
        'hosts: [{ name: a, ip: 10.0.0.1 }]',
        'servers:',
        '  - name: web',
        '    hostId: h9',
        '    disks:',
        '      - size: 65TiB',
        '      - { deviceId: ide3, size: 1GiB, datastoreId: nowhere }',
        '      - { deviceId: ide3, size: 1GiB }',
        '      - {}',
        '  - { name: web, disks: [100] }',
      ].join('\n'),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^lab\.yaml:1:20: hosts\[0\]\.ip: 10\.0\.0\.1 is not in 127\.0\.0\.0\/8/),
      expect.stringMatching(/^lab\.yaml:4:5: servers\[0\]\.hostId: no host goes by "h9"; there are: a$/),
      expect.stringMatching(/^lab\.yaml:8:11: servers\[0\]\.disks\[2\]\.deviceId: slot ide3 is used twice/),
      expect.stringMatching(
        /^lab\.yaml:6:9: servers\[0\]\.disks\[0\]\.size: 65TiB is not a disk's size: .*at most 64TiB$/,
      ),
      expect.stringMatching(
        /^lab\.yaml:7:39: servers\[0\]\.disks\[1\]\.datastoreId: no datastore goes by "nowhere"/,
      ),
      expect.stringMatching(/^lab\.yaml:9:9: servers\[0\]\.disks\[3\]: a disk needs a size/),
      expect.stringMatching(/^lab\.yaml:10:26: servers\[1\]\.disks\[0\]: 100 is not a disk's size/),
      expect.stringMatching(/^lab\.yaml:10:7: servers\[1\]\.name: "web" is used already by servers\[0\]$/),
    ]);
  });

  it.each([
    ['', '1:1: null does not fit; allowed: a mapping with at least "servers"'],
    ['servers: []', '1:1: servers: [] does not fit; allowed: a list of at least one server'],
    ['servers: [', '1:11: Flow sequence'],
    ['servers: [{name: a, disks: [1GiB]}]\nservers: 1', '2:1: Map keys must be unique'],
    ['servers: [{disks: [1GiB]}]', '1:11: servers[0]: "name" is missing'],
    [
      'servers: [{name: a, disks: 3}]',
      'servers[0].disks: 3 does not fit; allowed: a list of at most 64 disks',
    ],
    [
      'servers: [{name: a, disks: [10GB]}]',
      'servers[0].disks[0]: "10GB" does not fit; allowed: a size like 10GiB',
    ],
    [
      'servers: [{name: a, disks: [1GiB], cpu: 2}]',
      'servers[0].cpu: is not a known field; known are id, vmId',
    ],
    ['servers: [{name: a, disks: [{size: 1GiB, deviceId: sda}]}]', 'allowed: a slot like ide0 or virtio0'],
    ['servers: [{name: a, disks: [{size: 1GiB, sizeBytes: 5}]}]', 'give either size or sizeBytes'],
    ['servers: [{name: a, disks: [{size: 1GiB, content: {kind: image}}]}]', 'an image needs "file"'],
    ['servers: [{name: a, disks: [{size: 0}]}]', 'more than 0'],
    [
      'servers: [{name: a, vmtools: 5, disks: []}]',
      'servers[0].vmtools: 5 does not fit; allowed: 1, 0, -1, -2',
    ],
    [
      'servers: [{name: a, disks: []}]\nhosts: [{name: h, ip: 127.1}]',
      'allowed: an IPv4 address in 127.0.0.0/8',
    ],
    [
      'servers: [{name: a, disks: []}]\ndatastores: [{name: d, hostIds: [x]}]',
      'no host of its cluster goes by "x"',
    ],
    [
      'servers: [{id: q, name: a, disks: []}, {id: q, name: b, disks: []}]',
      '"q" is used already by servers[0]',
    ],
  ])('refuses %j', (text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem);
  });

  it('shows the first twenty mistakes and counts the rest', () => {
    const servers = Array.from({ length: 30 }, () => '{ disks: [] }').join(', ');
    expect(() => parseInventory(`servers: [${servers}]`, 'lab.yaml')).toThrow(/\.\.\. and 10 more$/);
  });

  it('does not follow a file that multiplies itself by aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++)
      bomb.push(
        `l${level}: &l${level} [${'*a, '.repeat(9)}]`.replaceAll('*a', level === 1 ? '*a' : `*l${level - 1}`),
      );
    expect(() => parseInventory(bomb.join('\n'), 'lab.yaml')).toThrow();
  });

  it('names the field alone for data that is no file', () => {
    expect(() => readInventory({ servers: [{ name: 'a', disks: ['1XB'] }] }, 's')).toThrow(
      /^servers\[0\]\.disks\[0\]/,
    );
  });
});

describe('the published schema', () => {
  it('is what the reader checks against', () => {
    const file = new URL('../../../simulator/inventory/inventory.schema.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(JSON.stringify(INVENTORY_SCHEMA)));
  });
});

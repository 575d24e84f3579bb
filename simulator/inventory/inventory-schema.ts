/**
 * The inventory file's shape, as JSON Schema. `inventory.schema.json` beside this file is its published copy.
 *
 * Field names are those of the inventory that a world is made of. Only `servers` is required, and of a disk only its
 * size; whatever else is left out gets a default. `description` says what is allowed: errors quote it.
 */
import type { ShapeSchema } from './check-shape.ts';
import { SIZE_PATTERN } from './size.ts';

const text = (description: string) => ({ type: 'string', minLength: 1, maxLength: 90, description }) as const;
const flag = (description: string) => ({ type: 'boolean', description }) as const;
const whole = (minimum: number, maximum: number, description: string) =>
  ({ type: 'integer', minimum, maximum, description }) as const;
const oneOf = (...values: readonly (string | number)[]) => ({ enum: values }) as const;
const size = (description: string) =>
  ({
    anyOf: [
      { type: 'integer', minimum: 0 },
      { type: 'string', pattern: SIZE_PATTERN },
    ],
    description: `${description}: bytes, or text like 10GiB, 1.5TiB, 1TiB+512`,
  }) as const;
const item = (required: readonly string[], properties: Readonly<Record<string, ShapeSchema>>) =>
  ({ type: 'object', additionalProperties: false, required, properties }) as const;
const list = (items: ShapeSchema) => ({ type: 'array', items }) as const;

const IPV4 = { type: 'string', format: 'ipv4', description: 'an IPv4 address like 10.0.0.1' } as const;
const VERSION = {
  type: 'string',
  pattern: '^\\d+\\.\\d+\\.\\d+$',
  description: 'a version like 6.11.3',
} as const;
const ID = text('an id; drawn from the seed when absent');
const reference = (noun: string) => text(`the id or the name of a ${noun}; the first one when absent`);

const DISK = {
  anyOf: [
    { type: ['integer', 'string'], pattern: SIZE_PATTERN },
    item([], {
      deviceId: {
        type: 'string',
        pattern: '^(ide|virtio|scsi)\\d{1,2}$',
        description: 'a slot like ide0 or virtio0; the next free ide slot when absent',
      },
      size: size('size of the disk'),
      sizeBytes: size('size of the disk'),
      datastoreId: reference('datastore'),
      preallocate: oneOf('off', 'metadata', 'full'),
      isCbtEnabled: flag('true or false; false when absent'),
      content: {
        anyOf: [
          { enum: ['empty', 'synthetic'] },
          item(['kind'], {
            kind: oneOf('empty', 'synthetic', 'image'),
            allocatedRatio: {
              type: 'number',
              minimum: 0,
              maximum: 1,
              description: 'the share of the disk that holds data, 0 to 1; 0.1 when absent',
            },
            runBytes: size('average length of a run of data'),
            file: text('path of a raw or qcow2 image, relative to the inventory file'),
          }),
        ],
        description: 'empty, synthetic, or an object with kind empty, synthetic or image',
      },
    }),
  ],
  description: 'a size like 10GiB, or an object with a size',
} as const;

const NETWORK = item([], {
  vifId: { type: 'string', pattern: '^net\\d+$', description: 'net0, net1, ...' },
  macAddress: {
    type: 'string',
    pattern: '^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$',
    description: 'a MAC address like 02:00:00:00:00:01',
  },
  ipAddress: IPV4,
  name: text('a name'),
});

const SERVER = item(['name', 'disks'], {
  id: ID,
  vmId: { type: 'string', pattern: '^\\d{13}$', description: 'thirteen digits, as text' },
  name: text('a name of 1 to 90 characters'),
  description: { type: 'string', maxLength: 90, description: 'at most 90 characters' },
  hostId: reference('host'),
  isRunning: flag('true or false; true when absent'),
  sockets: whole(1, 64, 'a whole number from 1 to 64; 1 when absent'),
  coresPerSocket: whole(1, 64, 'a whole number from 1 to 64; 2 when absent'),
  memoryMb: whole(128, 16_777_216, 'whole MiB; 4096 when absent'),
  osName: oneOf('', 'Backup Proxy'),
  osKernel: oneOf('linux', 'windows'),
  osDistribution: text('the name of an operating system'),
  vmtools: oneOf(1, 0, -1, -2),
  isTurboMode: flag('true or false; false when absent'),
  isDesktopRevert: flag('true or false; false when absent'),
  disks: { ...list(DISK), maxItems: 64, description: 'a list of at most 64 disks' },
  networks: list(NETWORK),
});

export const INVENTORY_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'backlot inventory',
  description: 'a mapping with at least "servers", of which each has a name and disks',
  ...item(['servers'], {
    pools: list(
      item(['name'], {
        id: ID,
        name: text('a name'),
        description: { type: 'string' },
        version: VERSION,
        tag: oneOf('private', 'public'),
      }),
    ),
    clusters: list(
      item(['name'], {
        id: ID,
        name: text('a name'),
        poolId: reference('pool'),
        ip: IPV4,
        version: VERSION,
      }),
    ),
    hosts: list(
      item(['name'], {
        id: ID,
        name: text('a name'),
        ip: { ...IPV4, description: 'an IPv4 address in 127.0.0.0/8; drawn from the seed when absent' },
        clusterId: reference('cluster'),
        cores: whole(1, 1024, 'a whole number from 1 to 1024'),
        memoryMb: whole(1024, 67_108_864, 'whole MiB'),
        serialNumber: text('a serial number'),
      }),
    ),
    datastores: list(
      item(['name'], {
        id: ID,
        name: text('a name'),
        type: oneOf('vs', 'fc', 'iscsi', 'nfs', 'local', 'asan'),
        clusterId: reference('cluster'),
        hostIds: {
          ...list(text('the id or the name of a host')),
          minItems: 1,
          description: 'the hosts that reach it, by id or name; every host of its cluster when absent',
        },
        totalMb: whole(1, 1_000_000_000_000, 'whole MiB'),
      }),
    ),
    servers: { ...list(SERVER), minItems: 1, description: 'a list of at least one server' },
    credentials: list(
      item(['username', 'password'], {
        username: text('a login name'),
        password: text('a password'),
        accessKey: text('an access key; drawn from the seed when absent'),
        secretKey: text('a secret key; drawn from the seed when absent'),
        role: oneOf('admin', 'custom_admin', 'tenant'),
      }),
    ),
  }),
} as const;

/** Any sequence of reads and changes, through client and server, against a plain array of bytes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dropAfterBytes } from '../../../simulator/fault/nbd-faults.ts';
import { MemoryDevice } from '../../nbd/memory-device.ts';
import { NbdWorld } from '../../nbd/nbd-world.ts';
import { TestDirectory } from '../../nbd/test-directory.ts';
import type { NbdClient } from '../../../src/nbd/index.ts';

const SIZE = 1_500_007;
const BLOCK = 4096;

type Step =
  | {
      readonly kind: 'read' | 'trim' | 'status' | 'zero' | 'zero-allocated';
      readonly offset: number;
      readonly length: number;
    }
  | {
      readonly kind: 'write';
      readonly offset: number;
      readonly length: number;
      readonly byte: number;
      readonly fua: boolean;
    }
  | { readonly kind: 'flush' };

const range = fc
  .tuple(fc.nat(SIZE), fc.oneof(fc.nat(600), fc.nat(SIZE)))
  .map(([offset, length]) => ({ offset, length: Math.min(length, SIZE - offset) }));

const step: fc.Arbitrary<Step> = fc.oneof(
  fc
    .record({ kind: fc.constantFrom('read', 'read', 'trim', 'status', 'zero', 'zero-allocated'), at: range })
    .map(({ kind, at }): Step => ({ kind, ...at })),
  fc
    .record({ at: range, byte: fc.integer({ min: 1, max: 255 }), fua: fc.boolean() })
    .map(({ at, byte, fua }): Step => ({ kind: 'write', ...at, byte, fua })),
  fc.constant<Step>({ kind: 'flush' }),
);

/** What the disk must hold: bytes, and which whole blocks were trimmed. */
class Model {
  readonly bytes = Buffer.alloc(SIZE);

  apply(change: Step): void {
    if (change.kind === 'write') this.bytes.fill(change.byte, change.offset, change.offset + change.length);
    if (change.kind === 'zero' || change.kind === 'zero-allocated') {
      this.bytes.fill(0, change.offset, change.offset + change.length);
    }
    if (change.kind === 'trim') this.#trim(change.offset, change.length);
  }

  #trim(offset: number, length: number): void {
    const first = Math.ceil(offset / BLOCK) * BLOCK;
    const end = Math.floor((offset + length) / BLOCK) * BLOCK;
    if (end > first) this.bytes.fill(0, first, end);
  }
}

async function perform(client: NbdClient, action: Step, model: Model): Promise<void> {
  switch (action.kind) {
    case 'read': {
      const expected = model.bytes.subarray(action.offset, action.offset + action.length);
      expect((await client.read(action.offset, action.length)).equals(expected)).toBe(true);
      return;
    }
    case 'write':
      return client.write(action.offset, Buffer.alloc(action.length, action.byte), { fua: action.fua });
    case 'zero':
      return client.writeZeroes(action.offset, action.length);
    case 'zero-allocated':
      return client.writeZeroes(action.offset, action.length, { noHole: true });
    case 'trim':
      return client.trim(action.offset, action.length);
    case 'flush':
      return client.flush();
    case 'status':
      return checkStatus(client, action.offset, action.length, model);
  }
}

/** Extents cover the range without gaps, and what they call zero is zero. */
async function checkStatus(client: NbdClient, offset: number, length: number, model: Model): Promise<void> {
  let at = offset;
  for (const extent of await client.blockStatus('base:allocation', offset, length)) {
    expect(extent.offset).toBe(at);
    at += extent.length;
    const content = model.bytes.subarray(extent.offset, at);
    if ((extent.flags & 2) !== 0) expect(content.every((byte) => byte === 0)).toBe(true);
  }
  expect(at).toBe(offset + length);
}

async function runAll(world: NbdWorld, steps: readonly Step[]): Promise<void> {
  const client = await world.connect({ exportName: 'disk', connections: 2, retries: 20, retryDelayMs: 1 });
  const model = new Model();
  for (const action of steps) {
    model.apply(action);
    await world.run(perform(client, action, model));
  }
  expect((await world.run(client.read(0, SIZE))).equals(model.bytes)).toBe(true);
  await world.run(client.close());
  await world.settled();
}

const createDisk = (isAsync: boolean): TestDirectory =>
  new TestDirectory({ disk: new MemoryDevice({ sizeBytes: SIZE, isAsync }) });

test('a disk behind the server behaves as an array of bytes', async () => {
  const anyRun = fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, isAsync) =>
    runAll(new NbdWorld({ directory: createDisk(isAsync), limits: { maxExtents: 3 } }), steps),
  );
  await fc.assert(anyRun, { numRuns: 60 });
});

test('it still does when connections break at any byte of a reply', async () => {
  const drops = fc.array(fc.nat(400_000), { maxLength: 12 });
  const anyRun = fc.asyncProperty(fc.array(step, { maxLength: 12 }), drops, (steps, limits) => {
    const filters = (connection: number) => {
      const limit = limits[connection - 1];
      return limit === undefined ? [] : [dropAfterBytes(limit)];
    };
    return runAll(new NbdWorld({ directory: createDisk(false), filters }), steps);
  });
  await fc.assert(anyRun, { numRuns: 60 });
});

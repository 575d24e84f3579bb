import { describe, expect, it } from 'vitest';
import type { FaultKind } from '../../../simulator/fault/fault-api.ts';
import { damageable, type StrikeRead } from '../../../simulator/fault/payload-faults.ts';
import type { ExportDevice } from '../../../simulator/nbd/export-device.ts';
import { concat } from '../../../simulator/store/content-reader.ts';
import { DEVICE_BLOCK_BYTES, MemoryDevice } from '../../nbd/memory-device.ts';

const CONTENT = Uint8Array.from({ length: 64 }, (_, at) => at * 2);

function stage(fault: FaultKind) {
  // As real ones do, it hands out pieces of what it holds.
  const shared = Uint8Array.from(CONTENT);
  const device = new MemoryDevice({ sizeBytes: CONTENT.length });
  device.read = (offset, length) => [shared.subarray(offset, offset + length)];
  let fired = 0;
  const strike: StrikeRead = (isNow) => {
    if (fired > 0 || !isNow(fault)) return [];
    fired++;
    return [{ ...fault, id: 'it', on: 'nbd' }];
  };
  const seen = damageable(device, strike);
  const read = async (offset: number, length: number): Promise<number[]> => [
    ...concat(await seen.read(offset, length)),
  ];
  return { seen, read, device, fired: () => fired };
}

/** Offsets within the answer where it differs from the content. */
function differences(answer: number[], offset: number): number[] {
  return answer.flatMap((byte, at) => (byte === CONTENT[offset + at] ? [] : [offset + at]));
}

describe('a corrupted payload', () => {
  it('differs in one bit of the first byte of one read', async () => {
    const { read, fired } = stage({ kind: 'corrupt-payload' });
    const answer = await read(10, 20);
    expect(differences(answer, 10)).toEqual([10]);
    expect((answer[0] ?? 0) ^ (CONTENT[10] ?? 0)).toBe(1);
    expect(differences(await read(10, 20), 10)).toEqual([]);
    expect(fired()).toBe(1);
  });

  it('strikes the read that covers its offset, at that byte', async () => {
    const { read, fired } = stage({ kind: 'corrupt-payload', offset: 30 });
    expect(differences(await read(0, 30), 0)).toEqual([]);
    expect(differences(await read(31, 9), 31)).toEqual([]);
    expect(fired()).toBe(0);
    expect(differences(await read(20, 11), 20)).toEqual([30]);
  });

  it('leaves the disk itself as it was', async () => {
    const { read, device } = stage({ kind: 'corrupt-payload' });
    await read(0, 64);
    expect(differences([...concat(await device.read(0, 64))], 0)).toEqual([]);
  });

  it('is the device in everything else', async () => {
    const { seen, device } = stage({ kind: 'corrupt-payload' });
    expect(seen.sizeBytes).toBe(64);
    expect(seen.isReadOnly).toBe(false);
    expect(seen.metaContexts).toEqual(device.metaContexts);
    await seen.flush();
    expect(device.flushes).toBe(1);
  });

  it.each<[string, (device: ExportDevice) => void | Promise<void>]>([
    ['a write', (device) => device.write(DEVICE_BLOCK_BYTES + 5, Uint8Array.of(9, 8, 7))],
    ['zeros', (device) => device.zero(0, DEVICE_BLOCK_BYTES, false)],
    ['zeros that may be holes', (device) => device.zero(0, DEVICE_BLOCK_BYTES, true)],
    ['a trim', (device) => device.trim(DEVICE_BLOCK_BYTES, DEVICE_BLOCK_BYTES)],
  ])('lets %s through, and waits for it', async (_, change) => {
    const disk = (isAsync: boolean): MemoryDevice =>
      new MemoryDevice({ sizeBytes: 3 * DEVICE_BLOCK_BYTES, isAsync }).fill(0, 2 * DEVICE_BLOCK_BYTES, 1);
    const [direct, behind] = [disk(false), disk(true)];
    const seen = damageable(behind, () => []);
    await change(direct);
    const done = change(seen);
    expect(done).toBeInstanceOf(Promise);
    await done;
    expect(behind.bytes.equals(direct.bytes)).toBe(true);
    const whole = ['base:allocation', 0, behind.sizeBytes, 9] as const;
    expect(seen.blockStatus(...whole)).toEqual(direct.blockStatus(...whole));
  });
});

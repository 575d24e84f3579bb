import { describe, expect, it } from 'vitest';
import { inWholeSectors } from '../../../simulator/guest/whole-sectors.ts';
import { DiskImage } from '../../../simulator/store/disk-image.ts';
import { exportLiveDisk } from '../../../simulator/domain/exported-disk.ts';

const BYTES = 1000;

function diskOf(sizeBytes: number) {
  const image = new DiskImage({ sizeBytes, blockBytes: 65_536, seed: 1 });
  const inner = exportLiveDisk(
    image,
    () => undefined,
    () => undefined,
  );
  return { image, inner, device: inWholeSectors(inner) };
}

describe('a disk of 1000 bytes in sectors', () => {
  it('is 1024 bytes long; behind its end it reads as zeros and swallows writes', async () => {
    const { device, image } = diskOf(BYTES);
    expect(device.sizeBytes).toBe(1024);
    await device.write(990, Buffer.alloc(34, 1));
    await device.write(1010, Buffer.alloc(14, 1));
    expect(Buffer.concat(await device.read(980, 44))).toEqual(
      Buffer.concat([Buffer.alloc(10), Buffer.alloc(10, 1), Buffer.alloc(24)]),
    );
    expect(Buffer.concat(await device.read(1005, 10))).toEqual(Buffer.alloc(10));
    expect(Buffer.concat(await image.read(990, 10))).toEqual(Buffer.alloc(10, 1));
    await device.zero(995, 29, false);
    await device.trim(1000, 24);
    expect(Buffer.concat(await device.read(990, 34))).toEqual(
      Buffer.concat([Buffer.alloc(5, 1), Buffer.alloc(29)]),
    );
  });

  it('has a hole behind its end', async () => {
    const { device } = diskOf(BYTES);
    await device.write(0, Buffer.alloc(1, 1));
    expect(device.blockStatus('base:allocation', 0, 1024, 10)).toEqual([
      { lengthBytes: 1000, flags: 0 },
      { lengthBytes: 24, flags: 3 },
    ]);
    expect(device.blockStatus('base:allocation', 1001, 10, 10)).toEqual([{ lengthBytes: 10, flags: 3 }]);
    expect(device.blockStatus('base:allocation', 0, 1024, 1)).toEqual([{ lengthBytes: 1000, flags: 0 }]);
  });
});

it('a disk of whole sectors is left as it is', () => {
  const { inner } = diskOf(1024);
  expect(inWholeSectors(inner)).toBe(inner);
});

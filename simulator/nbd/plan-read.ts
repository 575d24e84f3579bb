/** Splits a read into the parts that are sent as data and the ones that are only named as holes. */
import { ALLOCATION_CONTEXT, ALLOCATION_FLAG } from '../../src/nbd/wire/constants.ts';
import type { ExportDevice } from './export-device.ts';

export interface ReadPart {
  readonly offset: number;
  readonly length: number;
  readonly isHole: boolean;
}

/** Extents looked at per read; what lies behind them is sent as data. */
const MAX_PARTS = 64;

/** The parts of [offset, offset+length) in order, neighbours of one kind joined. */
export function planRead(device: ExportDevice, offset: number, length: number): readonly ReadPart[] {
  const end = offset + length;
  const parts: { offset: number; length: number; isHole: boolean }[] = [];
  let at = offset;
  const add = (bytes: number, isHole: boolean): void => {
    const last = parts.at(-1);
    if (last?.isHole === isHole) last.length += bytes;
    else parts.push({ offset: at, length: bytes, isHole });
    at += bytes;
  };
  for (const extent of device.blockStatus(ALLOCATION_CONTEXT, offset, length, MAX_PARTS)) {
    add(extent.lengthBytes, (extent.flags & ALLOCATION_FLAG.ZERO) !== 0);
  }
  if (at < end) add(end - at, false);
  return parts;
}

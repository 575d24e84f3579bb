/**
 * The changed (or, from checkpoint 0, the valid) areas of one disk, page by page to its very end.
 *
 * Each answer says how much of the disk it covers. The pages must join without a gap; an answer that does not cover
 * anything, or starts elsewhere, makes the whole map worthless, because what it left out cannot be told from what did
 * not change.
 * @source SCP OpenAPI 6.11.1, changed-areas; SCP 6.11.3 guide, CBT
 * @fidelity assumed (the meaning of `length`)
 */
import { ProtocolError } from '../sdk/protocol-error.ts';
import type { ChangedAreas, ChangedAreasQuery, ScpClient } from '../sdk/scp-client-api.ts';
import { type ByteRange, mergeRanges, roundOutward } from './ranges.ts';

/** Tracking is never finer than a sector; blocks are rounded outward to what a disk can be read in. */
const SECTOR_BYTES = 512;
const OPERATION = 'cbt.changed-areas';

export async function readAreas(
  scp: ScpClient,
  query: Omit<ChangedAreasQuery, 'startOffset'>,
  sizeBytes: number,
): Promise<readonly ByteRange[]> {
  const found: ByteRange[] = [];
  for (let startOffset = 0; startOffset < sizeBytes; ) {
    const page = await scp.changedAreas({ ...query, startOffset });
    checkPage(page, startOffset, sizeBytes);
    for (const area of page.areas) found.push({ offset: area.start, length: area.length });
    startOffset += page.length;
  }
  return roundOutward(mergeRanges(found), SECTOR_BYTES, sizeBytes);
}

function checkPage(page: ChangedAreas, startOffset: number, sizeBytes: number): void {
  if (page.startOffset !== startOffset)
    throw new ProtocolError(OPERATION, 'start_offset', `is ${page.startOffset}, asked was ${startOffset}`);
  const isLast = startOffset + page.length >= sizeBytes;
  if (page.length < SECTOR_BYTES && !isLast)
    throw new ProtocolError(
      OPERATION,
      'length',
      `is ${page.length}: the disk is not covered from ${startOffset}`,
    );
  const outside = page.areas.find((area) => area.start < startOffset || area.start >= sizeBytes);
  if (outside !== undefined)
    throw new ProtocolError(
      OPERATION,
      'changed_area',
      `has an area at ${outside.start} outside of what was asked`,
    );
}

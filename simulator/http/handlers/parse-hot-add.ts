/** Reads the disks of a HotAdd call; what a schema can't say is checked here. */
import { ApiError } from '../../../src/contract/errors.ts';
import type { HciHotAddBody, HotAddBody } from '../../../src/contract/schemas/hot-add.ts';
import type { HotAddRequest } from '../../domain/hot-add-api.ts';

/** Names of the fields of one disk, for refusals. */
interface FieldNames {
  readonly diskId: string;
  readonly snapshotId: string;
}

const SCP_NAMES: FieldNames = { diskId: 'disk_id', snapshotId: 'snapshot_id' };
const HCI_NAMES: FieldNames = { diskId: 'diskId', snapshotId: 'snapshotId' };

/** @throws INVALID_PARAMETER naming the field */
export function parseHotAdd({ disks }: HotAddBody): readonly HotAddRequest[] {
  const requests = disks.map((disk) =>
    requestOf(disk.disk_id, disk.application_type, disk.snapshot_id, disk.source_server_id),
  );
  return checked(requests, SCP_NAMES);
}

/** @throws INVALID_PARAMETER naming the field */
export function parseHciHotAdd({ disks }: HciHotAddBody): readonly HotAddRequest[] {
  const requests = disks.map((disk) =>
    requestOf(disk.diskId, disk.applicationType, disk.snapshotId, disk.sourceVmId),
  );
  return checked(requests, HCI_NAMES);
}

/** @throws INVALID_PARAMETER */
export function refuseTwice(field: string, ids: readonly string[]): readonly string[] {
  const twice = firstRepeated(ids);
  if (twice !== undefined)
    throw new ApiError('INVALID_PARAMETER', `${field}.${twice}: ${ids[twice]} is there twice`);
  return ids;
}

/** Where the first value stands that was there before. A body may hold tens of thousands, so each is seen once. */
function firstRepeated(values: readonly string[]): number | undefined {
  const seen = new Set<string>();
  for (const [at, value] of values.entries()) {
    if (seen.has(value)) return at;
    seen.add(value);
  }
  return undefined;
}

function requestOf(
  diskId: string,
  purpose: HotAddRequest['purpose'] = 'normal',
  snapshotId = '',
  sourceServerId = '',
): HotAddRequest {
  return {
    diskId,
    purpose,
    ...(snapshotId !== '' && { snapshotId }),
    ...(sourceServerId !== '' && { sourceServerId }),
  };
}

function checked(disks: readonly HotAddRequest[], names: FieldNames): readonly HotAddRequest[] {
  const refuse = (at: number, name: string, what: string): never => {
    throw new ApiError('INVALID_PARAMETER', `disks.${at}.${name}: ${what}`);
  };
  for (const [at, { purpose, snapshotId }] of disks.entries()) {
    if (purpose === 'backup' && snapshotId === undefined)
      refuse(at, names.snapshotId, 'is required for a disk that is added for backup');
    if (purpose !== 'backup' && snapshotId !== undefined)
      refuse(at, names.snapshotId, 'goes with a disk that is added for backup');
  }
  const twice = firstRepeated(disks.map(({ diskId }) => diskId));
  if (twice !== undefined) refuse(twice, names.diskId, `${disks[twice]?.diskId} is there twice`);
  return disks;
}

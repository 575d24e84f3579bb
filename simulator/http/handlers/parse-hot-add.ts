/** Reads the disks of a HotAdd call; what a schema can't say is checked here. */
import { ApiError } from '../../../src/contract/errors.ts';
import type { HciHotAddBody, HotAddBody } from '../../../src/contract/schemas/hot-add.ts';
import type { HotAddRequest } from '../../domain/world-api.ts';

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
  const twice = ids.findIndex((id, at) => ids.indexOf(id) < at);
  if (twice !== -1)
    throw new ApiError('INVALID_PARAMETER', `${field}.${twice}: ${ids[twice]} is there twice`);
  return ids;
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
  for (const [at, { diskId, purpose, snapshotId }] of disks.entries()) {
    const refuse = (name: string, what: string): never => {
      throw new ApiError('INVALID_PARAMETER', `disks.${at}.${name}: ${what}`);
    };
    if (disks.findIndex((other) => other.diskId === diskId) < at)
      refuse(names.diskId, `${diskId} is there twice`);
    if (purpose === 'backup' && snapshotId === undefined)
      refuse(names.snapshotId, 'is required for a disk that is added for backup');
    if (purpose !== 'backup' && snapshotId !== undefined)
      refuse(names.snapshotId, 'goes with a disk that is added for backup');
  }
  return disks;
}

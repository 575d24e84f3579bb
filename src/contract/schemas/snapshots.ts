/** Snapshots. @source SCP OpenAPI 6.11.1, snapshots */
import {
  bool,
  flag,
  integer,
  listOf,
  object,
  oneOf,
  type Schema,
  type Static,
  text,
  textUpTo,
  zeroOne,
} from '../schema.ts';
import { vmconf } from './vmconf.ts';

/** Letter case is not consistent in the vendor's own examples, so none is insisted on. */
const snapType: Schema<string> = { type: 'string', pattern: '^([vV][sS]|qcow2|external_qcow2)?$' };

/** `quiesced` is not documented; it is taken and changes nothing where vmtools are missing. */
export const snapshotCreateBody = object(
  { name: textUpTo(90, 1) },
  { description: textUpTo(90), snap_type: snapType, quiesced: flag },
);

export const snapshotCreated = object({ task_id: text }, { resource_id: text });

export const snapshotList = listOf(
  object({
    id: text,
    name: text,
    description: text,
    created_at: text,
    type: oneOf('VS', 'qcow2', 'external_qcow2'),
    status: text,
    /** Empty for the first one. */
    parent_id: text,
    is_latest: zeroOne,
    is_protected: zeroOne,
    quiesced: zeroOne,
    disks: listOf(object({ id: text, size: integer, type: text })),
  }),
);

export const snapshotDetail = object({
  id: text,
  name: text,
  description: text,
  /** An integer as a string: `version_id * 2^32 + inc_id`, `"0"` when tracking was off. */
  checkpoint_id: text,
  created_at: text,
  is_protected: bool,
  type: oneOf('VS', 'qcow2', 'external_qcow2'),
  vmconf,
});

export const snapshotEditBody = object(
  { name: textUpTo(90, 1) },
  { description: textUpTo(90), is_protected: flag },
);

const snapshotIds: Schema<readonly string[]> = { ...listOf(textUpTo(128, 1)), minItems: 1 };

export const snapshotBatchBody = object({
  action: oneOf('delete'),
  snapshot_ids: snapshotIds,
});

export const snapshotRecoveryBody = object({ backup: flag }, { power_on: flag });

export type SnapshotListItem = Static<typeof snapshotList>[number];
export type SnapshotDetail = Static<typeof snapshotDetail>;

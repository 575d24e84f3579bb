/** Changed block tracking. @source SCP OpenAPI 6.11.1, cbt/status and cbt/changed-areas */
import { bool, integer, integerIn, listOf, object, oneOf, text, textUpTo } from '../schema.ts';

export const cbtStatusData = object({
  server_id: text,
  /** False: tracking is off for every disk. */
  is_enabled: bool,
  disks: listOf(object({ id: text, is_enabled: bool })),
});

/** Without `disk_ids` all disks are meant; `reset` ignores them. */
export const cbtSetBody = object(
  { type: oneOf('enable', 'disable', 'reset') },
  { disk_ids: listOf(textUpTo(64, 1)) },
);

/** `checkpoint_id` is an integer here, although the snapshot detail gives it as a string; it exceeds 32 bits. */
export const changedAreasQuery = object({
  disk_id: textUpTo(64, 1),
  snapshot_id: textUpTo(128, 1),
  checkpoint_id: integerIn(0, Number.MAX_SAFE_INTEGER),
  start_offset: integerIn(0, Number.MAX_SAFE_INTEGER),
});

/** `length` bytes of the disk from `start_offset` are covered; the next query starts at their sum. */
export const changedAreasData = object({
  start_offset: integer,
  length: integer,
  changed_area: listOf(object({ start: integer, length: integer })),
});

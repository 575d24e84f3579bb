/**
 * Disks hot-added to proxy VMs, and commands run in a guest. Names of fields and values are assumed, and their source
 * of truth is `assumed.ts`.
 * @source SCP 6.11.3 guide, HotAdd transport mode and backup proxies @fidelity assumed
 */
import { HOT_ADD } from '../assumed.ts';
import {
  integer,
  integerIn,
  listOf,
  object,
  oneOf,
  type Schema,
  type Static,
  text,
  textUpTo,
} from '../schema.ts';
import { taskStatus } from './tasks.ts';

const { backup, restore, normal } = HOT_ADD.applicationType;
/** Absent: `normal`. */
const applicationType = oneOf(backup, restore, normal);
const id = textUpTo(128, 1);
/** May be sent empty, which says as much as leaving it out. */
const idOrNothing = textUpTo(128);

const atLeastOne = <T>(items: Schema<T>): Schema<readonly T[]> => ({ ...listOf(items), minItems: 1 });

/** How many a server may have at once is the world's to say (`DISK_LIMIT`), not the schema's. */
export const hotAddBody = object({
  disks: atLeastOne(
    object(
      { disk_id: id },
      { application_type: applicationType, snapshot_id: idOrNothing, source_server_id: idOrNothing },
    ),
  ),
});

export const hotRemoveBody = object({ action: oneOf(HOT_ADD.removeAction), disk_ids: atLeastOne(id) });

/** The HCI twins have the parameters of that family: camelCase, and no action, since the path says it. */
export const hciHotAddBody = object({
  disks: atLeastOne(
    object({ diskId: id }, { applicationType, snapshotId: idOrNothing, sourceVmId: idOrNothing }),
  ),
});

export const hciHotRemoveBody = object({ diskIds: atLeastOne(id) });

/** Characters of a command; a script that is longer belongs into a file of the guest. */
const COMMAND_LIMIT = 8192;

/** `timeout` in seconds; 60 when absent. */
export const guestExecBody = object({ command: textUpTo(COMMAND_LIMIT, 1) }, { timeout: integerIn(1, 3600) });

export const guestExecResult = object({
  /** Of its task. */
  status: taskStatus,
  /** -1 as long as there is none: the command runs, or never ended. */
  exit_code: integer,
  output: text,
});

export type HotAddBody = Static<typeof hotAddBody>;
export type HciHotAddBody = Static<typeof hciHotAddBody>;
export type GuestExecResult = Static<typeof guestExecResult>;

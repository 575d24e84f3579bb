/** Backup resources. @source SCP OpenAPI 6.11.1, backup-resources; `host_id` from the 6.11.3 guide */
import { integer, integerIn, listOf, object, oneOf, text, textUpTo } from '../schema.ts';

/** Seconds. */
const lockTime = integerIn(60, 7200);

export const backupResourceCreateBody = object(
  { server_id: textUpTo(128, 1), type: oneOf('backup', 'restore'), lock_time: lockTime },
  { host_id: textUpTo(128) },
);

export const backupResourceCreated = object({ resource_id: text, task_id: text });

export const backupResourceRenewBody = object({ lock_time: lockTime });

export const backupResourceData = object({
  server_id: text,
  status: oneOf('pending', 'running', 'expired', 'occupied', 'cancelled', 'released', 'failed'),
  /** The cluster's self-signed CA: base64 of its DER, one line, no PEM armour. */
  ca_cert: text,
  /** Seconds. */
  remain_time: integer,
  host_id: text,
});

export const supportsQuery = object({ server_id: textUpTo(128, 1) });

export const supportsData = object({
  /** Versions of the vendor's disk library that the pool accepts. */
  versions: listOf(text),
  transport_modes: listOf(oneOf('nbd', 'nbd_ssl', 'hotadd')),
});

/** @fidelity assumed: only that the call exists is documented */
export const overviewData = listOf(object({ host_id: text, count: integer }));

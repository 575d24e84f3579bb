/**
 * The two envelopes round every answer. The date in the path decides: V1 before 20240725, V2 from it.
 * @source SCP OpenAPI 6.11.1, common responses
 * @fidelity documented
 */
import type { Json } from '../kernel/journal.ts';

export type EnvelopeVersion = 'V1' | 'V2';

export type Envelope =
  | { readonly code: number; readonly message: string; readonly data: Json }
  | { readonly errcode: string; readonly message: string; readonly data: Json };

const FIRST_V2_DATE = 20_240_725;

/** `20240725` of `/janus/20240725/servers`; `undefined` where the path carries no date. */
export function dateOfPath(path: string): string | undefined {
  return /^\/janus\/v?(\d{8})(?:\/|$)/.exec(path)?.[1];
}

export function envelopeOfPath(path: string): EnvelopeVersion {
  const date = dateOfPath(path);
  return date !== undefined && Number(date) >= FIRST_V2_DATE ? 'V2' : 'V1';
}

export function successEnvelope(version: EnvelopeVersion, data: Json): Envelope {
  return version === 'V1' ? { code: 0, message: '', data } : { errcode: '', message: '', data };
}

/** `code` is a number that mirrors the HTTP status, `errcode` the same as a string. */
export function errorEnvelope(version: EnvelopeVersion, status: number, message: string): Envelope {
  return version === 'V1'
    ? { code: status, message, data: {} }
    : { errcode: String(status), message, data: {} };
}

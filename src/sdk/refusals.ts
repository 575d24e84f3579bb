/** What a refusal means to a caller: the one table that maps status and text to a retry class. */
import { API_ERRORS, type ApiErrorCode, type RetryClass } from '../contract/errors.ts';

/** For a text that nobody documented: what the HTTP status says about it. */
const CLASS_BY_STATUS: ReadonlyMap<number, RetryClass> = new Map([
  [401, 'after-reacquire'],
  [429, 'after-delay'],
  [500, 'after-delay'],
  [502, 'after-delay'],
  [503, 'after-delay'],
  [504, 'after-delay'],
]);

const CATALOGUE = Object.values(API_ERRORS);

/**
 * The retry class of an answer. A text of the catalogue decides before the status does, because 400 carries both
 * "never" and "wait a little"; the platform may append details to a text.
 */
export function retryClassOf(status: number, message: string): RetryClass {
  const row = CATALOGUE.find((known) => known.status === status && message.startsWith(known.message));
  return row?.retry ?? CLASS_BY_STATUS.get(status) ?? 'never';
}

/** The retry class of a task that failed: only its text is known. */
export function retryClassOfText(description: string): RetryClass {
  return CATALOGUE.find((known) => description.startsWith(known.message))?.retry ?? 'never';
}

const CODES = Object.keys(API_ERRORS) as readonly ApiErrorCode[];

/** Which refusal of the catalogue a text is; `undefined` for a text that nobody documented. */
export function refusalOfText(text: string): ApiErrorCode | undefined {
  return CODES.find((code) => text.startsWith(API_ERRORS[code].message));
}

/** Whether the changed-block history is void until CBT is reset, as opposed to merely switched off. */
export function saysCbtExpired(message: string): boolean {
  return message.startsWith(API_ERRORS.CBT_EXPIRED.message);
}

/** Whether a create found somebody else holding the server or working on it. */
export function saysServerIsTaken(message: string): boolean {
  return TAKEN.some((known) => message.startsWith(known.message));
}

const TAKEN = [API_ERRORS.RESOURCE_OCCUPIED, API_ERRORS.SERVER_BUSY, API_ERRORS.SERVER_LOCKED];

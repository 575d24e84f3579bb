/**
 * The product's ways to write an instant. It lives in one time zone, UTC+8, and says so only in some places.
 * @fidelity documented (shapes), assumed (the zone itself)
 * @source SCP OpenAPI 6.11.1, tasks, snapshot list, snapshot detail
 */

const DAY_MS = 86_400_000;
/** What the product calls local time. */
const ZONE_MS = 8 * 3_600_000;

/** `2026-02-03T04:05:06Z`. */
export const formatUtc = (ms: number): string => `${formatSeconds(ms)}Z`;

/** `2026-02-03T12:05:06+08:00`. */
export const formatWithOffset = (ms: number): string => `${formatSeconds(ms + ZONE_MS)}+08:00`;

/** `2026-02-03T12:05:06`: local time that does not say so. */
export const formatLocal = (ms: number): string => formatSeconds(ms + ZONE_MS);

/** `2026-02-03T12:05:06.000000`: local time with six decimals, as tasks have it. */
export function formatLocalMicros(ms: number): string {
  const millis = ((Math.floor(ms) % 1000) + 1000) % 1000;
  return `${formatSeconds(ms + ZONE_MS)}.${String(millis).padStart(3, '0')}000`;
}

const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/;

/** Milliseconds since the epoch of any of the shapes above (a blank may stand for the T), or `undefined`. */
export function parseTimestamp(value: string): number | undefined {
  const match = TIMESTAMP.exec(value);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', zone] = match;
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return undefined;
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const days = daysFromCivil(Number(year), Number(month), Number(day));
  return days * DAY_MS + seconds * 1000 + Math.floor(Number(`0.${fraction}0`) * 1000) - zoneMs(zone);
}

function zoneMs(zone: string | undefined): number {
  if (zone === undefined) return ZONE_MS;
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

function formatSeconds(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const seconds = Math.floor((ms - days * DAY_MS) / 1000);
  const { year, month, day } = civilFromDays(days);
  const hour = twoDigits(Math.floor(seconds / 3600));
  const minute = twoDigits(Math.floor(seconds / 60) % 60);
  const date = `${String(year).padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
  return `${date}T${hour}:${minute}:${twoDigits(seconds % 60)}`;
}

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** Proleptic Gregorian date of a day number; the year is counted from March, so that leap days come last. */
function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

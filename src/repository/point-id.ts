import type { IdSource } from '../kernel/ids.ts';

const DAY_MS = 86_400_000;

/** `YYYYMMDDTHHMMSSZ-<8 hex>`, in UTC. */
export function createPointId(nowMs: number, ids: IdSource): string {
  const ofDayMs = nowMs % DAY_MS;
  const time = [ofDayMs / 3_600_000, (ofDayMs / 60_000) % 60, (ofDayMs / 1000) % 60].map(twoDigits).join('');
  return `${dateStamp(Math.floor(nowMs / DAY_MS))}T${time}Z-${ids.hex(8)}`;
}

/**
 * Days since 1970 as `YYYYMMDD`. The year is taken to begin in March, so that the leap day is its last and the
 * months' lengths follow one formula; an era is 400 years.
 */
function dateStamp(days: number): string {
  const fromMarch0000 = days + 719_468;
  const era = Math.floor(fromMarch0000 / 146_097);
  const ofEra = fromMarch0000 - era * 146_097;
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * ofYear + 2) / 153);
  const day = ofYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}${twoDigits(month)}${twoDigits(day)}`;
}

function twoDigits(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

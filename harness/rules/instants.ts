/** Instants as text, without the clock of this machine, which no rule may look at. */

const DAY_MS = 86_400_000;

/** Time of day, `04:07:11.250`. */
export function timeOfDay(instantMs: number): string {
  const ms = Math.floor(instantMs) % DAY_MS;
  const part = (unit: number, count: number, digits = 2): string =>
    String(Math.floor(ms / unit) % count).padStart(digits, '0');
  return `${part(3_600_000, 24)}:${part(60_000, 60)}:${part(1000, 60)}.${part(1, 1000, 3)}`;
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?Z$/;

/** Milliseconds since the epoch of `2026-02-03T04:15:06Z`; undefined for anything else. */
export function parseInstant(text: string | undefined): number | undefined {
  const [year, month, day, hour, minute, second] = (ISO.exec(text ?? '') ?? []).slice(1).map(Number);
  if (year === undefined || month === undefined || day === undefined) return undefined;
  const seconds = (hour ?? 0) * 3600 + (minute ?? 0) * 60 + (second ?? 0);
  return daysSinceEpoch(year, month, day) * DAY_MS + seconds * 1000;
}

/** Years begin in March here, so that a leap day is the last one of its year. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1;
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return years * 365 + leapDays + ofYear - 719_468;
}

/** Explored races for people: what was tried, what met, and the shortest schedule that fails as a timeline. */
import { GAPS } from '../explore/schedule.ts';
import type { ScheduleFailure } from '../explore/explore.ts';
import type { RaceReport } from '../explore/race-report.ts';
import type { PlayedSchedule } from '../explore/play-schedule.ts';
import { renderTimeline } from './timeline.ts';

export function renderRace({ race, title, runs, failures, ...seen }: RaceReport): string {
  const verdict = failures.length === 0 ? 'all right' : `${failures.length} FAIL`;
  const cuts = seen.powerCuts === 0 ? '' : `, ${seen.powerCuts} with a power cut`;
  return [
    `${race}: ${title}`,
    `  ${runs} schedules${cuts}: ${verdict}; ${seen.virtualSeconds.toFixed(0)} s of virtual time`,
    `  met on the proxy: ${describeCollisions(seen.collisions)}`,
    `  the longest: ${seen.longestSchedule || 'nothing was held at the gate'}`,
  ].join('\n');
}

function describeCollisions(collisions: RaceReport['collisions']): string {
  const kinds = [...new Set(Object.keys(collisions).map((key) => key.replace('=', '')))];
  const parts = kinds.map((kind) => {
    const atOnce = collisions[`${kind}=`] ?? 0;
    return `${kind} ${(collisions[kind] ?? 0) + atOnce}x (${atOnce} in one millisecond)`;
  });
  return parts.join(', ') || 'nothing, one task always came after the other';
}

export function renderFailure({ schedule, reason, journalHash }: ScheduleFailure): string {
  return [`  schedule  ${schedule}`, `  because   ${reason}`, `  journal   ${journalHash}`].join('\n');
}

/** From the first held call on. */
export function renderSchedule({ record, cast, schedule }: PlayedSchedule, columns: number): string {
  const first = record.journal.find((entry) => entry.type === 'rest.request' && HELD.test(entry.operation));
  const timeline = renderTimeline(record.journal, { cast, columns, from: first?.n ?? 0 });
  return `${timeline}\n\n${explainSchedule(schedule)}`;
}

const HELD = /hot-add\.|servers\.st(art|op)/;

/** What the signs between the steps mean; only those that are there. */
function explainSchedule(schedule: string): string {
  const used = Object.entries(GAPS).filter(([sign]) => schedule.includes(sign));
  return [schedule, ...used.map(([sign, meaning]) => `  ${sign}  ${meaning}`)].join('\n');
}

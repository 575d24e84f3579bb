/** What a swarm came to, in numbers and in lines of text. */
import { renderTallyLine, type Tally, tallyMusts } from '../musts/tally-musts.ts';
import type { SeedOutcome, SeedResult } from './swarm-api.ts';

export interface SwarmSummary {
  readonly seeds: number;
  readonly survived: number;
  readonly violations: number;
  readonly idle: number;
  readonly broken: number;
  /** Entries of attacks: planned, and of these struck. */
  readonly planned: number;
  readonly struck: number;
}

export function summaryOf(results: readonly SeedResult[]): SwarmSummary {
  const count = (wanted: SeedOutcome): number => results.filter(({ outcome }) => outcome === wanted).length;
  return {
    seeds: results.length,
    survived: count('survived'),
    violations: count('violation'),
    idle: count('idle'),
    broken: count('broken'),
    planned: results.reduce((sum, { planned }) => sum + planned, 0),
    struck: results.reduce((sum, { struck }) => sum + struck, 0),
  };
}

/** What must sometimes happen, over all seeds. */
export function tallySwarm(results: readonly SeedResult[]): readonly Tally[] {
  return tallyMusts(results);
}

const MOST_SHOWN = 20;

/** Totals, and before them the seeds that were not survived. */
export function renderSwarm(results: readonly SeedResult[], durationMs: number, failures: string): string {
  const { seeds, survived, violations, idle, broken, planned, struck } = summaryOf(results);
  const rest = Object.entries({ idle, broken })
    .filter(([, number]) => number > 0)
    .map(([word, number]) => `, ${number} ${word}`)
    .join('');
  const outcomes = `${survived} survived, ${violations} violations${rest}`;
  return [
    renderTroubles(results, failures),
    `${seeds} seeds in ${(durationMs / 1000).toFixed(1)} s: ${outcomes}; ${struck} of ${planned} faults struck\n`,
    renderTallyLine(tallySwarm(results)),
  ].join('');
}

function renderTroubles(results: readonly SeedResult[], failures: string): string {
  const bad = results.filter(({ file }) => file !== undefined);
  const lines = bad
    .slice(0, MOST_SHOWN)
    .map(
      ({ seed, outcome, reason, file }) =>
        `seed ${seed}: ${outcome}: ${reason}\n  backlot replay ${failures}/${file?.name}\n`,
    );
  return bad.length > MOST_SHOWN
    ? `${lines.join('')}... and ${bad.length - MOST_SHOWN} more in ${failures}\n`
    : lines.join('');
}

/** One world in some detail. */
export function renderSeed({
  seed,
  engine,
  families,
  virtualMs,
  journalEntries,
  journalHash,
}: SeedResult): string {
  const hours = (virtualMs / 3_600_000).toFixed(1);
  return [
    `seed ${seed}, ${engine}: ${hours} hours of the world's time, ${journalEntries} events, journal ${journalHash}`,
    `faults: ${families.join(', ')}`,
    '',
  ].join('\n');
}

/** One seed: its script drawn, played as often as asked for, judged. */
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { createMustAttendant } from '../musts/attend-musts.ts';
import { type RunRecord, runOnce } from '../runner/run-once.ts';
import type { Stopwatch } from '../runner/run-scenario.ts';
import type { Seams } from '../runner/seams.ts';
import { scriptFile } from './script-file.ts';
import type { SeedOutcome, SeedResult, SwarmScript, SwarmTask } from './swarm-api.ts';

export interface PlaySeedOptions {
  readonly simulator: Simulator;
  readonly task: Omit<SwarmTask, 'ground'>;
  readonly script: SwarmScript;
  /** Those of the task's mutant, fresh for every run. */
  readonly seams: () => Seams;
  readonly stopwatch: Stopwatch;
}

export async function playSeed(options: PlaySeedOptions): Promise<SeedResult> {
  const { simulator, task, script, seams, stopwatch } = options;
  const { scenario, transport, families } = script;
  const { seed, mutant, times } = task;
  const begun = stopwatch();
  const run = { simulator, scenario, transport, seed };
  const { attend, happenedIn } = createMustAttendant();
  const record = await runOnce({ ...run, seams: seams(), onStory: attend });
  const hashes = [record.journalHash];
  while (hashes.length < times) hashes.push((await runOnce({ ...run, seams: seams() })).journalHash);
  const verdict = judge(record, hashes);
  const { findings, journalHash, journal, virtualMs, faults } = record;
  const isTrouble = verdict.outcome === 'violation' || verdict.outcome === 'broken';
  return {
    scenario: scenario.id,
    seed,
    engine: transport,
    ...verdict,
    findings,
    families,
    planned: scenario.attack?.length ?? 0,
    struck: faults.filter(({ fired, mayMiss }) => fired > 0 && !mayMiss).length,
    journalHash,
    journalEntries: journal.length,
    virtualMs,
    happened: happenedIn(journal),
    durationMs: Math.round((stopwatch() - begun) / times),
    ...(isTrouble
      ? { file: scriptFile({ scenario, transport, seed, journalHash, mutant, reason: verdict.reason }) }
      : {}),
  };
}

function judge(record: RunRecord, hashes: readonly string[]): { outcome: SeedOutcome; reason: string } {
  const { outcome, reason, faults, comparedBytes } = record;
  if (new Set(hashes).size > 1)
    return { outcome: 'violation', reason: `one seed, different journals: ${hashes.join(', ')}` };
  switch (outcome) {
    case 'failed':
      return { outcome: 'violation', reason };
    case 'passed':
    case 'inconclusive':
      // Of many entries some miss; that is no doubt about the others.
      if (comparedBytes === 0) return { outcome: 'violation', reason: 'no byte was compared' };
      return { outcome: faults.some(({ fired }) => fired > 0) ? 'survived' : 'idle', reason: '' };
    default:
      return { outcome: 'broken', reason };
  }
}

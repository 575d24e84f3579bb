/**
 * Shows that the scenarios can fail: every mutant must be found out by one of the scenarios named for it, and that
 * scenario must pass without it.
 */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { runOnce } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import type { Mutant } from './mutant.ts';

export interface MutantVerdict {
  readonly id: string;
  readonly breaks: Mutant['breaks'];
  readonly title: string;
  /** Scenarios that failed with the mutant and pass without it. */
  readonly killedBy: readonly string[];
  /** What the killers found, or why the others did not. */
  readonly reasons: readonly string[];
}

export interface MutantRunOptions {
  readonly simulator: Simulator;
  readonly scenarios: readonly Scenario[];
  readonly mutants: readonly Mutant[];
  readonly seed: string;
  /** Every scenario in place of those that are named for the mutant. */
  readonly isThorough?: boolean;
  readonly onVerdict?: (verdict: MutantVerdict, done: number, total: number) => void;
}

export async function runMutants(options: MutantRunOptions): Promise<readonly MutantVerdict[]> {
  const sound = new Map<string, boolean>();
  const verdicts: MutantVerdict[] = [];
  for (const mutant of options.mutants) {
    const verdict = await judgeMutant(options, mutant, sound);
    verdicts.push(verdict);
    options.onVerdict?.(verdict, verdicts.length, options.mutants.length);
  }
  return verdicts;
}

async function judgeMutant(
  options: MutantRunOptions,
  mutant: Mutant,
  sound: Map<string, boolean>,
): Promise<MutantVerdict> {
  const killedBy: string[] = [];
  const reasons: string[] = [];
  for (const scenario of candidates(options, mutant)) {
    const transport = mutant.engine ?? scenario.engines?.[0] ?? 'nbd';
    const { outcome, reason } = await run(options, scenario, transport, mutant);
    const isKiller = outcome === 'failed' && (await isSound(options, scenario, transport, sound));
    if (isKiller) killedBy.push(scenario.id);
    reasons.push(`${scenario.id}: ${outcome}${reason === '' ? '' : `, ${reason}`}`);
  }
  return { id: mutant.id, breaks: mutant.breaks, title: mutant.title, killedBy, reasons };
}

function candidates({ scenarios, isThorough }: MutantRunOptions, mutant: Mutant): readonly Scenario[] {
  if (isThorough === true) return scenarios;
  return mutant.killers.map((id) => {
    const scenario = scenarios.find((one) => one.id === id);
    if (scenario === undefined)
      throw new Error(`mutant ${mutant.id} names scenario ${id}, which does not exist`);
    return scenario;
  });
}

async function isSound(
  options: MutantRunOptions,
  scenario: Scenario,
  transport: Transport,
  sound: Map<string, boolean>,
): Promise<boolean> {
  const key = `${scenario.id} ${transport}`;
  const known = sound.get(key);
  if (known !== undefined) return known;
  const isPassed = (await run(options, scenario, transport, undefined)).outcome === 'passed';
  sound.set(key, isPassed);
  return isPassed;
}

function run(
  { simulator, seed }: MutantRunOptions,
  scenario: Scenario,
  transport: Transport,
  mutant: Mutant | undefined,
) {
  return runOnce({ simulator, scenario, transport, seed, seams: mutant?.seams() ?? {} });
}

/**
 * Shows that scenarios and rules can fail: every mutant must be found out in one of the scenarios named for it, by its
 * outcome or by a rule that it breaks there, and that scenario must pass without it.
 */
import type { Transport } from '../../src/engine/engine-api.ts';
import type { Simulator } from '../../simulator/app/simulator-api.ts';
import { RULES } from '../rules/catalogue.ts';
import { judgeRules } from '../rules/judge-rules.ts';
import { observe } from '../rules/observe.ts';
import type { RuleId } from '../rules/rule-api.ts';
import type { Outcome } from '../runner/outcome.ts';
import { runOnce } from '../runner/run-once.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import type { Mutant } from './mutant.ts';

export interface MutantVerdict {
  readonly id: string;
  readonly breaks: Mutant['breaks'];
  readonly title: string;
  /** Scenarios that failed, or in which it broke a rule, with the mutant and not without it. */
  readonly killedBy: readonly string[];
  /** Rules that it broke in those scenarios and the sound one does not, in the order of the catalogue. */
  readonly rules: readonly RuleId[];
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
  const sound = new Map<string, Played>();
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
  sound: Map<string, Played>,
): Promise<MutantVerdict> {
  const killedBy: string[] = [];
  const reasons: string[] = [];
  const rules = new Set<RuleId>();
  for (const scenario of candidates(options, mutant)) {
    const transport = mutant.engine ?? scenario.engines?.[0] ?? 'nbd';
    const broken = await play(options, scenario, transport, mutant);
    const usual = await playSound(options, scenario, transport, sound);
    const violated = broken.violated.filter((rule) => !usual.violated.includes(rule));
    const isFound = broken.outcome === 'failed' || violated.length > 0;
    if (isFound && usual.outcome === 'passed') killedBy.push(scenario.id);
    for (const rule of violated) rules.add(rule);
    reasons.push(`${scenario.id}: ${describe(broken, violated)}`);
  }
  const { id, breaks, title } = mutant;
  return {
    id,
    breaks,
    title,
    killedBy,
    rules: RULES.map((rule) => rule.id).filter((rule) => rules.has(rule)),
    reasons,
  };
}

function describe({ outcome, reason }: Played, violated: readonly RuleId[]): string {
  return [outcome, ...(reason === '' ? [] : [reason]), ...violated.map((rule) => `breaks ${rule}`)].join(
    ', ',
  );
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

/** How a run ended, and which rules were broken in it. */
interface Played {
  readonly outcome: Outcome;
  readonly reason: string;
  readonly violated: readonly RuleId[];
}

async function playSound(
  options: MutantRunOptions,
  scenario: Scenario,
  transport: Transport,
  sound: Map<string, Played>,
): Promise<Played> {
  const key = `${scenario.id} ${transport}`;
  const played = sound.get(key) ?? (await play(options, scenario, transport, undefined));
  sound.set(key, played);
  return played;
}

async function play(
  { simulator, seed }: MutantRunOptions,
  scenario: Scenario,
  transport: Transport,
  mutant: Mutant | undefined,
): Promise<Played> {
  const seams = mutant?.seams() ?? {};
  const { outcome, reason, journal } = await runOnce({ simulator, scenario, transport, seed, seams });
  const verdicts = judgeRules(observe(journal), { rules: RULES, scenario: scenario.id, engine: transport });
  const violated = verdicts.filter((verdict) => verdict.outcome === 'violated').map(({ rule }) => rule);
  return { outcome, reason, violated };
}

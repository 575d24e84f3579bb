/**
 * The report as data: `report.json` is this, and every other form is made from it. `report.schema.json` describes it
 * for programs. Two runs with one seed give the same report but for `durationMs`, here and in each result.
 */
import type { Outcome, ScenarioResult } from '../runner/outcome.ts';
import { RULES } from '../rules/catalogue.ts';
import { mergeVerdicts } from '../rules/judge-rules.ts';
import type { EngineVerdict } from '../verdict/engine-verdict.ts';
import type { Comparison } from './baseline.ts';
import { type ReportedRule, reportRules } from './reported-rule.ts';
import { concludeVerdict, type Verdict } from './verdict.ts';

/** Raised on every change that an older reader would misread; new fields alone do not raise it. */
export const REPORT_VERSION = 2;

/** On what it was played. */
export interface Environment {
  /** Version of backlot. */
  readonly backlot: string;
  readonly node: string;
  /** Operating system and processor: `linux x64`. */
  readonly platform: string;
  /** How time went in the worlds: `virtual`, `real`, or so many times as fast: `x60`. */
  readonly time: string;
  /** The engine that was judged, as the command named it: `reference nbd, nbdssl, hotadd`, `exec:./my-engine`. */
  readonly engine: string;
}

/** Something that must happen in some run of a search, else the search has not looked where it should. */
export interface Sometimes {
  readonly id: string;
  readonly title: string;
  /** In how many runs it happened. */
  readonly happened: number;
}

export interface ReportedResult extends Omit<ScenarioResult, 'verdicts'> {
  /** The command that plays it again; empty when it was not played. */
  readonly command: string;
}

export interface Report {
  readonly version: number;
  readonly verdict: Verdict;
  readonly environment: Environment;
  readonly seed: string;
  /** Real time of the whole suite; less than the sum of its parts when several threads played. */
  readonly durationMs: number;
  readonly summary: Readonly<Record<Outcome, number>>;
  readonly rules: readonly ReportedRule[];
  /** Empty where nothing was searched for. */
  readonly sometimes: readonly Sometimes[];
  readonly results: readonly ReportedResult[];
  /** Of somebody else's engine: what it declares against what was seen of it. */
  readonly engine?: EngineVerdict;
  /** Against an earlier report, when one was named. */
  readonly comparison?: Comparison;
}

export interface ReportParts {
  readonly seed: string;
  readonly durationMs: number;
  readonly environment: Environment;
  readonly results: readonly ScenarioResult[];
  /** Default: what the results say of the rules, merged. */
  readonly rules?: readonly ReportedRule[];
  readonly sometimes?: readonly Sometimes[];
  readonly engine?: EngineVerdict;
  /** What plays a result again, where it is not `backlot run` with the scenario's id. */
  readonly commandOf?: (result: ScenarioResult) => string;
}

export function buildReport(parts: ReportParts): Report {
  const { seed, durationMs, environment, results, engine, sometimes = [] } = parts;
  const { rules = reportRules(RULES, mergeVerdicts(results.map(({ verdicts }) => verdicts ?? []))) } = parts;
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  const summary = {
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    inconclusive: count('inconclusive'),
    broken: count('broken'),
  };
  const commandOf = parts.commandOf ?? ((result) => repeatCommand(result, seed));
  return {
    version: REPORT_VERSION,
    verdict: withEngine(concludeVerdict({ summary, rules, sometimes }), engine),
    environment,
    seed,
    durationMs,
    summary,
    rules,
    sometimes,
    ...(engine === undefined ? {} : { engine }),
    results: results.map((result) => ({
      ...withoutVerdicts(result),
      command: result.outcome === 'skipped' ? '' : commandOf(result),
    })),
  };
}

/** The rules of all results stand together in `rules`. */
function withoutVerdicts(result: ScenarioResult): Omit<ScenarioResult, 'verdicts'> {
  const { verdicts, ...rest } = result;
  return verdicts === undefined ? result : rest;
}

/** What an engine declares, and what of it was not looked at, can only make a verdict worse. */
function withEngine(verdict: Verdict, engine: EngineVerdict | undefined): Verdict {
  if (engine === undefined || engine.outcome === 'pass' || verdict.outcome === 'broken') return verdict;
  if (verdict.outcome === 'fail') return verdict;
  const sentence = (what: string): string => `${what}: ${engine.reasons[0] ?? ''}.`;
  if (engine.outcome === 'fail')
    return { ...verdict, outcome: 'fail', sentence: sentence('The engine does not conform') };
  return { ...verdict, outcome: 'inconclusive', sentence: sentence('The verdict is incomplete') };
}

function repeatCommand({ scenario, engine, guest }: ScenarioResult, seed: string): string {
  const outside = guest === undefined ? '' : ` --guest ${guest}`;
  return `backlot run ${scenario} --engine ${engine} --seed ${seed}${outside}`;
}

/**
 * 0: passed. 1: findings, or nothing was proved. 70: our own fault. A scenario that is not meant for an engine counts
 * for nothing. Held against a baseline, only what has become worse counts.
 */
export function exitCodeOf({ verdict, comparison }: Report): 0 | 1 | 70 {
  if (verdict.outcome === 'broken') return 70;
  if (comparison !== undefined) return comparison.regressions.length === 0 ? 0 : 1;
  return verdict.outcome === 'pass' ? 0 : 1;
}

/** Collects what is seen of somebody else's engine, run by run, and says in the end what it comes to. */
import { readFileSync } from 'node:fs';
import { type Declaration, FileInvalid } from '../../../harness/driver/declaration.ts';
import { type ReportedRule, reportRules } from '../../../harness/report/reported-rule.ts';
import { witnessRun } from '../../../harness/report/witness-run.ts';
import { RULES } from '../../../harness/rules/catalogue.ts';
import { judgeRules, mergeVerdicts } from '../../../harness/rules/judge-rules.ts';
import { observe } from '../../../harness/rules/observe.ts';
import type { RuleVerdict } from '../../../harness/rules/rule-api.ts';
import type { ScenarioResult } from '../../../harness/runner/outcome.ts';
import type { Witness } from '../../../harness/runner/run-scenario.ts';
import {
  addEvidence,
  type CapabilityEvidence,
  findEvidence,
} from '../../../harness/verdict/capability-evidence.ts';
import { type EngineVerdict, judgeEngine } from '../../../harness/verdict/engine-verdict.ts';
import { judgeWaivers, parseWaivers, waivedRules, type Waiver } from '../../../harness/verdict/waivers.ts';
import type { JournalEntry } from '../../kernel/journal.ts';
import { CliError } from '../cli-error.ts';
import { unreadable } from './engine-place.ts';

export interface DrivenJudge {
  /** Looks on while stories are told. */
  readonly witness: Witness;
  /** Takes in the journal of one world. */
  see(scenario: string, journal: readonly JournalEntry[], actors?: readonly string[]): void;
  /** Ids of scenarios that have not been played and may exercise must-rules that nothing has exercised. */
  wanting(results: readonly ScenarioResult[]): readonly string[];
  conclude(results: readonly ScenarioResult[]): DrivenConclusion;
}

export interface DrivenConclusion {
  readonly rules: readonly ReportedRule[];
  readonly engine: EngineVerdict;
}

export interface DrivenJudgeOptions {
  /** Ids of the scenarios that the engine can play. */
  readonly playable: () => ReadonlySet<string>;
  readonly declaration: Declaration;
  readonly waivers: readonly Waiver[];
  /** `2026-11-23` */
  readonly today: string;
}

export function createDrivenJudge({
  declaration,
  waivers,
  today,
  playable,
}: DrivenJudgeOptions): DrivenJudge {
  const evidence: CapabilityEvidence[] = [];
  const verdicts: (readonly RuleVerdict[])[] = [];
  const capabilities = new Set(declaration.capabilities);
  const waived = waivedRules(waivers, today);
  const see: DrivenJudge['see'] = (scenario, journal, actors) => {
    const seen = observe(journal, actors === undefined ? {} : { actors });
    evidence.push(findEvidence(seen));
    verdicts.push(
      judgeRules(seen, { rules: RULES, scenario, engine: declaration.name, capabilities, waived }),
    );
  };
  return {
    see,
    witness(story) {
      const keep = witnessRun(story);
      return (result, record) => {
        see(result.scenario, record.journal);
        return keep(result, record);
      };
    },
    wanting(results) {
      const unplayed = unplayedOf(playable(), results);
      const silent = mergeVerdicts(verdicts).filter(
        ({ level, outcome }) => level === 'must' && outcome === 'not-exercised',
      );
      const next = silent.flatMap(
        ({ rule }) => firstOf(RULES.find(({ id }) => id === rule)?.scenarios ?? [], unplayed) ?? [],
      );
      return [...new Set(next)];
    },
    conclude(results) {
      const merged = mergeVerdicts(verdicts);
      const count = (outcome: ScenarioResult['outcome']): number =>
        results.filter((result) => result.outcome === outcome).length;
      return {
        rules: reportRules(RULES, merged),
        engine: judgeEngine({
          declaration,
          evidence: addEvidence(evidence),
          rules: RULES,
          verdicts: merged,
          waivers: judgeWaivers(waivers, merged, today),
          unplayed: unplayedOf(playable(), results),
          failed: count('failed'),
          inconclusive: count('inconclusive'),
          passed: count('passed'),
        }),
      };
    },
  };
}

function firstOf(scenarios: readonly string[], unplayed: ReadonlySet<string>): string | undefined {
  return scenarios.find((id) => unplayed.has(id));
}

function unplayedOf(playable: ReadonlySet<string>, results: readonly ScenarioResult[]): ReadonlySet<string> {
  const played = new Set(results.map(({ scenario }) => scenario));
  return new Set([...playable].filter((id) => !played.has(id)));
}

/** @throws CliError */
export function readWaivers(file: string | undefined): readonly Waiver[] {
  if (file === undefined) return [];
  try {
    return parseWaivers(readFileSync(file, 'utf8'), file, new Set<string>(RULES.map(({ id }) => id)));
  } catch (error) {
    if (error instanceof FileInvalid)
      throw new CliError(
        'usage',
        `the waivers are not right:\n${error.problems.map((line) => `  ${line}`).join('\n')}`,
        '"backlot list schema waivers" describes the file.',
        { cause: error },
      );
    throw unreadable(file, error);
  }
}

/** The day on which waivers are looked at, by UTC. */
export function dayOfToday(): string {
  return new Date().toISOString().slice(0, 10);
}

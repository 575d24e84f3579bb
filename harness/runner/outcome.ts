/** What a scenario came to. Only `passed` counts as passed. */

import type { GuestLevel } from '../../simulator/guest/levels/guest-level.ts';
import type { RuleVerdict } from '../rules/rule-api.ts';
import type { DiskMap, TimelineData } from './run-evidence.ts';

export type Outcome = 'passed' | 'failed' | 'skipped' | 'inconclusive' | 'broken';

/** One thing that was not as it had to be. */
export interface Finding {
  /** The step (`steps.3 backup`) or the oracle (`leak oracle`) that found it. */
  readonly where: string;
  readonly expected: string;
  readonly actual: string;
  /** Journal positions, sector explanations, causes: whatever proves it. */
  readonly evidence: readonly string[];
  /** Where on the disk bytes are wrong, when that is what was found. */
  readonly disk?: DiskMap;
}

export interface FaultCount {
  readonly id: string;
  readonly kind: string;
  readonly fired: number;
  /** How often its place was reached, as long as it was planned. Left out for what strikes at its moment. */
  readonly seen?: number;
  readonly mayMiss: boolean;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly title: string;
  readonly engine: string;
  /** How guests of proxies were shown outside of the simulator; absent when they were simulated only. */
  readonly guest?: GuestLevel;
  readonly outcome: Outcome;
  /** One line; empty when passed. */
  readonly reason: string;
  readonly findings: readonly Finding[];
  /** 2 when the run was repeated to compare the journals; 1 where programs outside make no two journals alike. */
  readonly runs: 1 | 2;
  /** Real time of all runs. */
  readonly durationMs: number;
  /** Time that passed in the world, in one run. */
  readonly virtualMs: number;
  readonly journalHash: string;
  readonly journalEntries: number;
  /** Bytes that the byte oracle compared, in one run. */
  readonly comparedBytes: number;
  readonly faults: readonly FaultCount[];
  readonly stories: readonly string[];
  readonly rule: string;
  /** Of every rule; absent when nothing was played. A report merges those of all results. */
  readonly verdicts?: readonly RuleVerdict[];
  /** What happened, where the run did not pass or broke a rule. */
  readonly timeline?: TimelineData;
}

/** A result of which nothing has been seen yet. */
export function unplayedResult(
  named: Pick<ScenarioResult, 'scenario' | 'title' | 'engine'>,
  reason = '',
): ScenarioResult {
  return {
    ...named,
    outcome: 'skipped',
    reason,
    findings: [],
    runs: 1,
    durationMs: 0,
    virtualMs: 0,
    journalHash: '',
    journalEntries: 0,
    comparedBytes: 0,
    faults: [],
    stories: [],
    rule: '',
  };
}

/** A step means something that no step before it has made. */
export class NothingToActOn extends Error {
  override readonly name = 'NothingToActOn';
}

/** Thrown by a step: the story ends here, and this is why. */
export class StoryFailed extends Error {
  override readonly name = 'StoryFailed';
  readonly finding: Omit<Finding, 'where'>;

  constructor(expected: string, actual: string, evidence: readonly string[] = [], disk?: DiskMap) {
    super(`expected ${expected}; got ${actual}`);
    this.finding = { expected, actual, evidence, ...(disk === undefined ? {} : { disk }) };
  }
}

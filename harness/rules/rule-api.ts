/**
 * What a conformance rule is. A rule is a pure function over the journal of one world: it judges a run in process, a
 * live observation and a recorded journal alike. It never passes by silence: a rule that saw nothing to judge is
 * `not exercised`.
 */
import type { JournalEntry } from '../../src/kernel/journal.ts';
import type { Capability } from '../driver/capabilities.ts';
import type { Observation } from './observation.ts';

export const RULE_AREAS = [
  'AUTH',
  'CBT',
  'SNAP',
  'LOCK',
  'NBD',
  'HOTADD',
  'RESTORE',
  'CLEAN',
  'LIMIT',
  'DATA',
] as const;
export type RuleArea = (typeof RULE_AREAS)[number];
export type RuleId = `${RuleArea}-${number}`;
export type RuleLevel = 'must' | 'should';

export interface Rule {
  /** Stable for ever: `LOCK-2`. Numbers are never used again. */
  readonly id: RuleId;
  /** What a conforming engine does, in the present tense: `renews a backup resource at latest every two minutes`. */
  readonly title: string;
  readonly level: RuleLevel;
  /** What of the vendor's workflow or documentation it rests on, in our words. */
  readonly clause: string;
  /** Where that is said: document and section. */
  readonly source: string;
  readonly fidelity: 'documented' | 'observed' | 'assumed';
  /** What happens to a customer whose product breaks it. */
  readonly breaks: string;
  /** Which entries of the journal decide it. */
  readonly evidence: string;
  /** How to mend a product that breaks it. */
  readonly remedy: string;
  /** Ids of scenarios that exercise it. */
  readonly scenarios: readonly [string, ...string[]];
  /** Ids of mutants that it catches. */
  readonly mutants: readonly [string, ...string[]];
  /** Judged only for engines that declare all of these. */
  readonly needs?: readonly Capability[];
  readonly judge: (seen: Observation) => Judgement;
}

export interface Judgement {
  /** How often there was something to judge. */
  readonly exercised: number;
  readonly violations: readonly Violation[];
}

export interface Violation {
  /** Position in the journal at which it was broken. */
  readonly at: JournalEntry['n'];
  readonly expected: string;
  readonly actual: string;
  /** Other positions that prove it. */
  readonly evidence: readonly JournalEntry['n'][];
}

/** One rule over all runs that were looked at. */
export interface RuleVerdict {
  readonly rule: RuleId;
  readonly level: RuleLevel;
  /**
   * `waived`: violated, and somebody has signed for it. `not-applicable`: the engine does not declare what it needs.
   */
  readonly outcome: 'passed' | 'violated' | 'waived' | 'not-exercised' | 'not-applicable';
  readonly exercised: number;
  /** The first of every run. */
  readonly violations: readonly RuleFinding[];
  /** How many more there were; absent when all are listed. */
  readonly hidden?: number;
}

/** A violation and the run in which it was seen. */
export interface RuleFinding extends Violation {
  readonly scenario: string;
  readonly engine: string;
  /** The entries that prove it, `at` first, as lines for people: `412 04:07:11.250 DELETE snapshots ...`. */
  readonly lines: readonly string[];
}

/** What the runs of somebody else's engine come to, beyond their outcomes: rules, declared capabilities, waivers. */
import { CAPABILITIES, type Capability } from '../driver/capabilities.ts';
import type { Declaration } from '../driver/declaration.ts';
import type { Rule, RuleVerdict } from '../rules/rule-api.ts';
import type { CapabilityEvidence } from './capability-evidence.ts';
import type { WaiverVerdict } from './waivers.ts';

export interface EngineVerdict {
  /** `incomplete`: nothing was wrong, and something that the engine declares was not looked at. */
  readonly outcome: 'pass' | 'fail' | 'incomplete';
  readonly name: string;
  readonly version?: string;
  /** Why it is no pass, one sentence each; what is wrong comes before what is missing. */
  readonly reasons: readonly string[];
  readonly capabilities: readonly CapabilityVerdict[];
  readonly waivers: readonly WaiverVerdict[];
}

export interface CapabilityVerdict {
  readonly capability: Capability;
  /**
   * `shown`: declared and seen. `absent`: neither. `not-asked`: declared, and no job asked for it. `not-seen`:
   * declared and asked for, and never seen. `undeclared`: seen all the same.
   */
  readonly state: 'shown' | 'absent' | 'not-asked' | 'not-seen' | 'undeclared';
  readonly asked: number;
  readonly seen: number;
}

export interface EngineQuestion {
  readonly declaration: Declaration;
  readonly evidence: CapabilityEvidence;
  readonly rules: readonly Rule[];
  readonly verdicts: readonly RuleVerdict[];
  readonly waivers: readonly WaiverVerdict[];
  /** Ids of scenarios that the engine could play and did not. */
  readonly unplayed: ReadonlySet<string>;
  /** How many scenarios went wrong, and how many did not show what they are for. */
  readonly failed: number;
  readonly inconclusive: number;
  readonly passed: number;
}

export function judgeEngine(question: EngineQuestion): EngineVerdict {
  const { declaration, waivers } = question;
  const capabilities = judgeCapabilities(declaration, question.evidence);
  const wrong = [
    ...scenarioReasons(question),
    ...ruleReasons(question),
    ...lies(capabilities),
    ...expired(waivers),
  ];
  const missing = missingReasons(question, capabilities);
  const { name, version } = declaration;
  return {
    outcome: wrong.length > 0 ? 'fail' : missing.length > 0 ? 'incomplete' : 'pass',
    name,
    ...(version === undefined ? {} : { version }),
    reasons: [...wrong, ...missing],
    capabilities,
    waivers,
  };
}

function judgeCapabilities(
  declaration: Declaration,
  evidence: CapabilityEvidence,
): readonly CapabilityVerdict[] {
  const names = Object.keys(CAPABILITIES) as Capability[];
  return names.map((capability) => {
    const isDeclared = declaration.capabilities.includes(capability);
    const { asked, seen } = evidence[capability];
    return { capability, state: stateOf(isDeclared, asked, seen), asked, seen };
  });
}

function stateOf(isDeclared: boolean, asked: number, seen: number): CapabilityVerdict['state'] {
  if (seen > 0) return isDeclared ? 'shown' : 'undeclared';
  if (!isDeclared) return 'absent';
  return asked > 0 ? 'not-seen' : 'not-asked';
}

function scenarioReasons({ failed }: EngineQuestion): string[] {
  return failed === 0
    ? []
    : [`${failed} ${failed === 1 ? 'scenario' : 'scenarios'} ended with a wrong result`];
}

function ruleReasons({ verdicts, rules }: EngineQuestion): string[] {
  return verdicts
    .filter(({ level, outcome }) => level === 'must' && outcome === 'violated')
    .map(({ rule }) => `breaks ${rule}: ${titleOf(rules, rule)}`);
}

function lies(capabilities: readonly CapabilityVerdict[]): string[] {
  return capabilities.flatMap(({ capability, state, asked, seen }) => {
    const what = `the engine ${CAPABILITIES[capability]}`;
    if (state === 'not-seen')
      return [`declares ${capability} (${what}), was asked for it ${asked} times, and it was never seen`];
    if (state === 'undeclared')
      return [`does not declare ${capability}, and was seen ${seen} times: ${what}`];
    return [];
  });
}

function expired(waivers: readonly WaiverVerdict[]): string[] {
  return waivers.filter(({ state }) => state === 'expired').map(({ sentence }) => sentence);
}

function missingReasons(
  { verdicts, rules, unplayed, inconclusive, passed }: EngineQuestion,
  capabilities: readonly CapabilityVerdict[],
): string[] {
  const silent = verdicts.filter(
    ({ rule, level, outcome }) =>
      level === 'must' && outcome === 'not-exercised' && canBeExercised(rule, rules, unplayed),
  );
  return [
    ...(passed === 0 ? ['no scenario passed'] : []),
    ...(inconclusive === 0 ? [] : [`${inconclusive} scenarios did not show what they are for`]),
    ...capabilities
      .filter(({ state }) => state === 'not-asked')
      .filter(() => unplayed.size > 0)
      .map(({ capability }) => `declares ${capability}, and no job that succeeded asked for it`),
    ...silent.map(
      ({ rule }) => `nothing exercised ${rule} (${whereTo(rules, rule, unplayed)}): ${titleOf(rules, rule)}`,
    ),
  ];
}

/** Where every scenario of a rule was played, or can't be, the engine gave no occasion to break the rule. */
function canBeExercised(id: string, rules: readonly Rule[], unplayed: ReadonlySet<string>): boolean {
  return rules.find((rule) => rule.id === id)?.scenarios.some((scenario) => unplayed.has(scenario)) ?? false;
}

function titleOf(rules: readonly Rule[], id: string): string {
  return rules.find((rule) => rule.id === id)?.title ?? '';
}

/** The scenario to play for it, by the beginning of its id. */
function whereTo(rules: readonly Rule[], id: string, unplayed: ReadonlySet<string>): string {
  const scenarios = rules.find((rule) => rule.id === id)?.scenarios ?? [];
  return scenarios.find((scenario) => unplayed.has(scenario))?.slice(0, 4) ?? '';
}

/** For a terminal. */
export function renderEngineVerdict({
  outcome,
  name,
  version = '',
  reasons,
  waivers,
}: EngineVerdict): string {
  const head = `Verdict on ${[name, version].join(' ').trim()}: ${outcome}`;
  const remarks = waivers.filter(({ state }) => state !== 'expired').map(({ sentence }) => sentence);
  return [head, ...reasons.map((reason) => `  - ${reason}`), ...remarks.map((text) => `  (${text})`)].join(
    '\n',
  );
}

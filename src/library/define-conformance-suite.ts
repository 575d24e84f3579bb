/** The conformance suite as tests of another project, in its own runner: one for each scenario, one for each rule. */
import { mergeVerdicts } from '../../harness/rules/judge-rules.ts';
import { RULES } from '../../harness/rules/catalogue.ts';
import type { Rule, RuleVerdict } from '../../harness/rules/rule-api.ts';
import type { ScenarioResult } from '../../harness/runner/outcome.ts';
import { type ConformanceEngine, planConformance } from './conformance-stage.ts';
import { describeScenario, describeViolations } from './failure-message.ts';
import { findTestFunctions, type TestContext, type TestFunctions } from './test-functions.ts';

export interface ConformanceSuiteOptions extends TestFunctions, ConformanceEngine {
  /** Name of the group of tests; `conformance` when absent. */
  readonly name?: string;
}

/** A test of the suite failed; the message holds the evidence and says how to repeat it. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
}

/** Milliseconds; engines that are programs work in real time. */
const TEST_TIMEOUT = 300_000;

/**
 * Registers the tests at once; call it at the top of a test file. Scenarios are played when their tests run, in the
 * order of the file. A rule that no scenario has exercised is skipped, never passed.
 * @throws when no scenario is meant for the engine, or no test functions are there
 */
export function defineConformanceSuite(options: ConformanceSuiteOptions): void {
  const { describe, it, afterAll } = findTestFunctions(options);
  const plan = planConformance(options);
  const seen: (readonly RuleVerdict[])[] = [];
  describe(options.name ?? 'conformance', () => {
    for (const task of plan.tasks) {
      const name = `${task.scenario.id} with ${task.transport}: ${task.scenario.title}`;
      it(
        name,
        async (context) => {
          const result = await plan.play(task);
          seen.push(result.verdicts ?? []);
          conclude(result, plan.commandOf(task), context);
        },
        TEST_TIMEOUT,
      );
    }
    for (const rule of RULES) {
      it(`${rule.id}: ${rule.title}`, (context) => concludeRule(rule, seen, plan.isDeclared(rule), context));
    }
    afterAll?.(() => plan.close());
  });
}

function conclude(result: ScenarioResult, command: string, context: TestContext | undefined): void {
  if (result.outcome === 'passed') return;
  if (result.outcome === 'skipped') context?.skip?.(result.reason);
  else throw new ConformanceFailure(describeScenario(result, command));
}

function concludeRule(
  rule: Rule,
  seen: readonly (readonly RuleVerdict[])[],
  isDeclared: boolean,
  context: TestContext | undefined,
): void {
  const verdict = mergeVerdicts(seen).find((one) => one.rule === rule.id);
  if (!isDeclared) context?.skip?.('the engine does not declare what it needs');
  else if (verdict?.outcome === 'violated') {
    const message = describeViolations(rule, verdict);
    if (rule.level === 'must') throw new ConformanceFailure(message);
    context?.skip?.(`a warning only: ${message}`);
  } else if (verdict?.outcome !== 'passed') context?.skip?.('no scenario has exercised it');
}

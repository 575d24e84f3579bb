/** Reads a scenario file. Every problem is told with its place: file:line:column field. */
import { createSchemaCheck, type Problem, readCheckedYaml } from '../driver/checked-yaml.ts';
import { type Scenario, ScenarioSchema } from './scenario-schema.ts';
import { findStoryProblems } from './story-problems.ts';

/** A scenario that can't be used; `problems` are complete lines for people. */
export class ScenarioInvalid extends Error {
  override readonly name = 'ScenarioInvalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

const schemaProblems = createSchemaCheck(ScenarioSchema);

/** @throws ScenarioInvalid */
export function parseScenario(text: string, file: string): Scenario {
  const { value, problems } = readCheckedYaml(text, file, scenarioProblems, 'scenario');
  if (problems.length > 0) throw new ScenarioInvalid(problems);
  return value as Scenario;
}

/** What is wrong with it as a scenario; nothing when it is one. */
export function scenarioProblems(value: unknown): readonly Problem[] {
  const problems = schemaProblems(value);
  return problems.length > 0 ? problems : findStoryProblems(value as Scenario);
}

/** Finds and reads scenario files. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseScenario, ScenarioInvalid } from './parse-scenario.ts';
import type { Scenario } from './scenario-schema.ts';

/** All scenarios of a folder, by id. @throws ScenarioInvalid with the problems of all files */
export function loadScenarios(folder: string): readonly Scenario[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort();
  const problems: string[] = [];
  const scenarios: Scenario[] = [];
  const ids = new Map<string, string>();
  for (const name of files) {
    const file = join(folder, name);
    const scenario = readScenario(file, problems);
    if (scenario === undefined) continue;
    problems.push(...nameProblems(scenario, name, ids));
    scenarios.push(scenario);
  }
  if (problems.length > 0) throw new ScenarioInvalid(problems);
  return scenarios;
}

/** One file. @throws ScenarioInvalid */
export function loadScenario(file: string): Scenario {
  const shown = relative('.', file);
  return parseScenario(readFileSync(file, 'utf8'), shown.startsWith('..') ? file : shown);
}

function readScenario(file: string, problems: string[]): Scenario | undefined {
  try {
    return loadScenario(file);
  } catch (error) {
    if (!(error instanceof ScenarioInvalid)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** The file is called as its scenario, and no number is given twice. */
function nameProblems({ id }: Scenario, file: string, ids: Map<string, string>): string[] {
  const number = id.slice(0, 4);
  const other = ids.get(number);
  ids.set(number, file);
  return [
    ...(basename(file, '.yaml') === id ? [] : [`${file}:1:1 id: the file must be called ${id}.yaml`]),
    ...(other === undefined ? [] : [`${file}:1:1 id: ${number} belongs to ${other} already`]),
  ];
}

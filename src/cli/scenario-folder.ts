/** Where the scenarios are: beside the sources in a checkout, beside `dist` in the package. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadScenario, loadScenarios } from '../../harness/runner/load-scenarios.ts';
import { ScenarioInvalid } from '../../harness/runner/parse-scenario.ts';
import type { Scenario } from '../../harness/runner/scenario-schema.ts';
import { CliError } from './cli-error.ts';

/** All scenarios that come with the program. */
export function shippedScenarios(): readonly Scenario[] {
  return scenariosIn('scenarios/');
}

/** Those made for `backlot sweep`: small, with few steps. */
export function sweepScenarios(): readonly Scenario[] {
  return scenariosIn('scenarios/sweep/');
}

function scenariosIn(place: string): readonly Scenario[] {
  const folder = [`../../${place}`, `../../../${place}`]
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (folder === undefined) throw new CliError('environment', 'the folder with the scenarios is missing');
  return readOrExplain(() => loadScenarios(folder));
}

/**
 * The scenarios that the words mean: a file, an id, or the beginning of ids (`S01`, also of those made for sweeping).
 * All but those without words.
 * @throws CliError when a word means none
 */
export function chooseScenarios(words: readonly string[]): readonly Scenario[] {
  const files = words.filter((word) => word.endsWith('.yaml'));
  const names = words.filter((word) => !word.endsWith('.yaml'));
  const chosen = files.map(readFile);
  if (names.length === 0 && files.length > 0) return chosen;
  const shipped = names.length === 0 ? shippedScenarios() : [...shippedScenarios(), ...sweepScenarios()];
  for (const name of names) {
    if (!shipped.some(({ id }) => id.startsWith(name))) throw unknownScenario(name);
  }
  const isChosen = ({ id }: Scenario): boolean =>
    names.length === 0 || names.some((name) => id.startsWith(name));
  return [...chosen, ...shipped.filter(isChosen)];
}

function readFile(file: string): Scenario {
  if (!existsSync(file)) throw new CliError('usage', `there is no file ${file}`);
  return readOrExplain(() => loadScenario(file));
}

function readOrExplain<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ScenarioInvalid)) throw error;
    const lines = error.problems.map((problem) => `  ${problem}`).join('\n');
    throw new CliError('usage', `the scenario cannot be used\n${lines}`);
  }
}

function unknownScenario(name: string): CliError {
  return new CliError(
    'usage',
    `no scenario is called ${name} or begins with it`,
    'Try "backlot list scenarios".',
  );
}

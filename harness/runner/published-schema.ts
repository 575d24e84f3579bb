/** The scenario language as a file for editors: `scenarios/scenario.schema.json`. */
import { ScenarioSchema } from './scenario-schema.ts';

/** The JSON Schema as text, ready to be written. */
export function publishedSchema(): string {
  const head = { $schema: 'https://json-schema.org/draft/2020-12/schema' };
  return `${JSON.stringify({ ...head, ...ScenarioSchema }, undefined, 2)}\n`;
}

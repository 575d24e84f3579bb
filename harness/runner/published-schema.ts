/** The scenario language as a file for editors: `scenarios/scenario.schema.json`. */
import { ScenarioSchema } from './scenario-schema.ts';

/** The JSON Schema as text, ready to be written. Steps are written out once. */
export function publishedSchema(): string {
  const head = { $schema: 'https://json-schema.org/draft/2020-12/schema' };
  const { description } = ScenarioSchema.properties.prepare as { readonly description?: string };
  const properties = {
    ...ScenarioSchema.properties,
    prepare: { description, minItems: 1, type: 'array', items: { $ref: '#/properties/steps/items' } },
  };
  return `${JSON.stringify({ ...head, ...ScenarioSchema, properties }, undefined, 2)}\n`;
}

/** Fault descriptions as JSON Schema, one alternative for each kind. */
import { type FaultFields } from './fault-fields.ts';
import { FAULT_KIND_NAMES, kindRowOf } from './fault-kinds.ts';
import { COMMON_FIELDS } from './fault-spec.ts';

export const FAULT_SCHEMA = {
  description:
    'A fault: where (on and what narrows it), what (kind and its fields), how often (after, times)',
  oneOf: FAULT_KIND_NAMES.map((kind) => {
    const { what, fields } = kindRowOf(kind);
    const all: FaultFields = { ...COMMON_FIELDS, ...fields };
    const properties = Object.entries(all).map(([name, { schema }]) => [name, schema]);
    return {
      type: 'object',
      title: kind,
      description: what,
      required: ['kind', 'on', ...requiredOf(fields)],
      properties: { ...Object.fromEntries(properties), kind: { const: kind } },
      additionalProperties: false,
    };
  }),
};

function requiredOf(fields: FaultFields): string[] {
  return Object.entries(fields).flatMap(([name, { isOptional }]) => (isOptional === true ? [] : [name]));
}

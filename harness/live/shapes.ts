/** Shapes of answers: which fields there are and of which kind, without a single value. */
import type { Schema } from '../../src/contract/schema.ts';
import type { Json } from '../../src/kernel/journal.ts';

export type Kind = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

export interface FieldShape {
  readonly kinds: Set<Kind>;
  /** In how many of the objects around it it was there. */
  count: number;
}

/** By path: `data[].disks[].id`. The path of the whole is empty. */
export type Shape = Map<string, FieldShape>;

export function addToShape(shape: Shape, value: Json, path = ''): void {
  const known = shape.get(path) ?? { kinds: new Set<Kind>(), count: 0 };
  shape.set(path, known);
  known.kinds.add(kindOf(value));
  known.count++;
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) addToShape(shape, item, `${path}[]`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) addToShape(shape, inner, under(path, key));
}

function kindOf(value: Json): Kind {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'string' | 'boolean' | 'object';
}

const under = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** The path of what a field stands in. */
export function parentOf(path: string): string {
  if (path.endsWith('[]')) return path.slice(0, -2);
  const dot = path.lastIndexOf('.');
  return dot < 0 ? '' : path.slice(0, dot);
}

export interface SchemaField {
  /** Empty: of any kind. */
  readonly kinds: ReadonlySet<Kind>;
  readonly isRequired: boolean;
  /** An object whose fields the contract does not name, or anything at all. */
  readonly isOpen: boolean;
}

export function fieldsOfSchema(schema: Schema): ReadonlyMap<string, SchemaField> {
  const fields = new Map<string, SchemaField>();
  collect(schema, '', true, fields);
  return fields;
}

function collect(schema: Schema, path: string, isRequired: boolean, fields: Map<string, SchemaField>): void {
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>;
  const required = (schema['required'] ?? []) as readonly string[];
  const kinds = kindsOfSchema(schema);
  const names = Object.keys(properties);
  const isOpen = kinds.size === 0 || (kinds.has('object') && names.length === 0);
  fields.set(path, { kinds, isRequired, isOpen });
  for (const name of names) {
    const inner = properties[name];
    if (inner !== undefined) collect(inner, under(path, name), required.includes(name), fields);
  }
  const items = schema['items'] as Schema | undefined;
  if (items !== undefined) collect(items, `${path}[]`, false, fields);
}

function kindsOfSchema({ type, enum: values }: Schema): ReadonlySet<Kind> {
  const types = (Array.isArray(type) ? type : type === undefined ? [] : [type]) as readonly Kind[];
  if (types.length > 0)
    return new Set(types.flatMap((one) => (one === 'number' ? ['number', 'integer'] : [one])));
  return new Set(Array.isArray(values) ? (values as readonly Json[]).map(kindOf) : []);
}

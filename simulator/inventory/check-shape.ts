/**
 * Checks data against the part of JSON Schema that the inventory's schema uses, and says what is allowed where
 * something is wrong. A validator library would say it in terms of the schema ("must match a schema in anyOf"), stop
 * after a few errors, and cost a hundred milliseconds at the start of the process.
 */
import { isIPv4 } from 'node:net';
import type { Path, Problem } from './inventory-file.ts';

export interface ShapeSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly ShapeSchema[];
  readonly properties?: Readonly<Record<string, ShapeSchema>>;
  readonly required?: readonly string[];
  readonly items?: ShapeSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: 'ipv4';
}

export function checkShape(value: unknown, schema: ShapeSchema, path: Path = []): Problem[] {
  if (schema.anyOf !== undefined) return checkAlternatives(value, schema.anyOf, schema, path);
  if (!hasType(value, schema.type) || !isAllowedValue(value, schema)) return [mismatch(value, schema, path)];
  if (Array.isArray(value)) return value.flatMap((item, at) => checkItem(item, schema, [...path, at]));
  if (isRecord(value)) return checkFields(value, schema, path);
  return [];
}

function checkItem(item: unknown, schema: ShapeSchema, path: Path): Problem[] {
  return schema.items === undefined ? [] : checkShape(item, schema.items, path);
}

function checkFields(value: Readonly<Record<string, unknown>>, schema: ShapeSchema, path: Path): Problem[] {
  const { properties } = schema;
  // An object of any fields.
  if (properties === undefined) return [];
  const missing = (schema.required ?? [])
    .filter((name) => value[name] === undefined)
    .map((name) => ({ path, what: `"${name}" is missing${allowed(properties[name])}` }));
  const wrong = Object.entries(value).flatMap(([name, field]) => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) return checkShape(field, property, [...path, name]);
    const known = Object.keys(properties).join(', ');
    return [{ path: [...path, name], what: `is not a known field; known are ${known}` }];
  });
  return [...missing, ...wrong];
}

/** The alternatives here differ in type, so the one of the value's type is what its author meant. */
function checkAlternatives(
  value: unknown,
  alternatives: readonly ShapeSchema[],
  schema: ShapeSchema,
  path: Path,
): Problem[] {
  const results = alternatives.map((alternative) => checkShape(value, alternative, path));
  if (results.some((problems) => problems.length === 0)) return [];
  const meant = results[alternatives.findIndex((alternative) => alternative.type === 'object')];
  return isRecord(value) && meant !== undefined ? meant : [mismatch(value, schema, path)];
}

function hasType(value: unknown, type: ShapeSchema['type']): boolean {
  if (type === undefined) return true;
  return [type].flat().some((name) => isType(value, name));
}

function isType(value: unknown, type: string): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isRecord(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}

function isAllowedValue(value: unknown, schema: ShapeSchema): boolean {
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (typeof value === 'number') return isBetween(value, schema.minimum, schema.maximum);
  if (Array.isArray(value)) return isBetween(value.length, schema.minItems, schema.maxItems);
  return typeof value !== 'string' || isAllowedText(value, schema);
}

function isAllowedText(value: string, schema: ShapeSchema): boolean {
  if (!isBetween(value.length, schema.minLength, schema.maxLength)) return false;
  if (schema.format === 'ipv4' && !isIPv4(value)) return false;
  return schema.pattern === undefined || new RegExp(schema.pattern).test(value);
}

function isBetween(value: number, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): boolean {
  return value >= min && value <= max;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mismatch(value: unknown, schema: ShapeSchema, path: Path): Problem {
  return { path, what: `${show(value)} does not fit${allowed(schema)}` };
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function allowed(schema: ShapeSchema | undefined): string {
  if (schema?.description !== undefined) return `; allowed: ${schema.description}`;
  if (schema?.enum !== undefined) return `; allowed: ${schema.enum.map(show).join(', ')}`;
  return schema?.type === undefined ? '' : `; allowed: ${[schema.type].flat().join(' or ')}`;
}

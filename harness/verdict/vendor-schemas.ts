/** What the driver protocol and a vendor's files look like, as JSON Schemas for programs and editors. */
import type { TSchema } from 'typebox';
import { DeclarationSchema } from '../driver/declaration.ts';
import { DriverJobSchema, DriverLineSchema } from '../driver/protocol.ts';
import { WaiversSchema } from './waivers.ts';

const SCHEMAS = {
  'driver-job': [DriverJobSchema, 'backlot driver protocol: a job'],
  'driver-line': [DriverLineSchema, 'backlot driver protocol: a line of the engine'],
  engine: [DeclarationSchema, 'backlot engine declaration'],
  waivers: [WaiversSchema, 'backlot waivers'],
} as const satisfies Record<string, readonly [TSchema, string]>;

export type VendorSchemaName = keyof typeof SCHEMAS;

export const VENDOR_SCHEMA_NAMES = Object.keys(SCHEMAS) as readonly VendorSchemaName[];

/** The JSON Schema as text, ready to be written. */
export function publishedVendorSchema(name: VendorSchemaName): string {
  const [schema, title] = SCHEMAS[name];
  const head = { $schema: 'https://json-schema.org/draft/2020-12/schema' };
  return `${JSON.stringify({ ...head, ...schema, title }, undefined, 2)}\n`;
}

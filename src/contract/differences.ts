/**
 * Where a real platform differs from the simulator, as `backlot probe` finds it and the simulator takes it on.
 *
 * Names of fields and calls, versions and limits only: nothing of anybody's inventory is in it.
 */
import { OPERATION_NAMES, type OperationName } from './operations.ts';

/** What the simulator is, when nobody tells it otherwise. */
export const REFERENCE_VERSION = '6.11.3';
/** Largest page that the simulator gives. */
export const REFERENCE_PAGE_SIZE = 1000;

export interface EndpointDifference {
  readonly operation: OperationName;
  /** Template of one of several paths; absent: all of them. */
  readonly path?: string;
  /** What it answers in place of its success. */
  readonly status: number;
}

export interface EnvelopeDifference {
  readonly operation: OperationName;
  /** `V1` has `code`, `V2` has `errcode`. */
  readonly seen: string;
}

export interface FieldDifference {
  readonly operation: OperationName;
  /** Below `data`: `data[].disks[].id`. */
  readonly field: string;
  readonly difference: 'missing' | 'extra' | 'type';
  /** Kinds of JSON values: `string`, `integer`, `null`, ... */
  readonly expected?: string;
  readonly seen?: string;
}

export interface PageSizeDifference {
  readonly most: number;
  /** What happens to a request for more. */
  readonly beyond: 'refused' | 'capped';
}

export interface Differences {
  readonly platform: { readonly version?: string };
  readonly endpoints: readonly EndpointDifference[];
  readonly envelopes: readonly EnvelopeDifference[];
  readonly fields: readonly FieldDifference[];
  readonly limits: { readonly pageSize?: PageSizeDifference; readonly headers?: readonly string[] };
  /** Calls for which the platform had nothing that could be read. */
  readonly untried: readonly { readonly operation: OperationName; readonly why: string }[];
}

export const NO_DIFFERENCES: Differences = {
  platform: {},
  endpoints: [],
  envelopes: [],
  fields: [],
  limits: {},
  untried: [],
};

/** Version of the file's shape. */
export const DIFFERENCES_VERSION = 1;

export class DifferencesInvalid extends Error {
  override readonly name = 'DifferencesInvalid';
}

type Fields = Readonly<Record<string, unknown>>;

/** @throws DifferencesInvalid naming what is wrong first */
export function parseDifferences(value: unknown): Differences {
  const file = fieldsOf(value, 'the file');
  if (file['differences'] !== DIFFERENCES_VERSION)
    throw new DifferencesInvalid(
      `differences: must be ${DIFFERENCES_VERSION}; is this a file of backlot probe?`,
    );
  const platform = fieldsOf(file['platform'] ?? {}, 'platform');
  const limits = fieldsOf(file['limits'] ?? {}, 'limits');
  return {
    platform: platform['version'] === undefined ? {} : { version: versionIn(platform['version']) },
    endpoints: itemsOf(file, 'endpoints', (item, where) => ({
      operation: operationIn(item, where),
      ...(item['path'] === undefined ? {} : { path: textIn(item['path'], `${where}.path`) }),
      status: integerIn(item['status'], `${where}.status`, 300, 599),
    })),
    envelopes: itemsOf(file, 'envelopes', (item, where) => ({
      operation: operationIn(item, where),
      seen: textIn(item['seen'], `${where}.seen`),
    })),
    fields: itemsOf(file, 'fields', parseField),
    limits: limits['pageSize'] === undefined ? {} : { pageSize: parsePageSize(limits['pageSize']) },
    untried: [],
  };
}

function parseField(item: Fields, where: string): FieldDifference {
  const { difference } = item;
  if (difference !== 'missing' && difference !== 'extra' && difference !== 'type')
    throw new DifferencesInvalid(`${where}.difference: must be missing, extra or type`);
  return {
    operation: operationIn(item, where),
    field: textIn(item['field'], `${where}.field`),
    difference,
    ...(item['expected'] === undefined ? {} : { expected: textIn(item['expected'], `${where}.expected`) }),
    ...(item['seen'] === undefined ? {} : { seen: textIn(item['seen'], `${where}.seen`) }),
  };
}

function parsePageSize(value: unknown): PageSizeDifference {
  const { most, beyond } = fieldsOf(value, 'limits.pageSize');
  if (beyond !== 'refused' && beyond !== 'capped')
    throw new DifferencesInvalid('limits.pageSize.beyond: must be refused or capped');
  return { most: integerIn(most, 'limits.pageSize.most', 1, REFERENCE_PAGE_SIZE), beyond };
}

function itemsOf<T>(file: Fields, name: string, parse: (item: Fields, where: string) => T): readonly T[] {
  const list = file[name] ?? [];
  if (!Array.isArray(list)) throw new DifferencesInvalid(`${name}: must be a list`);
  return list.map((item, at) => parse(fieldsOf(item, `${name}.${at}`), `${name}.${at}`));
}

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new DifferencesInvalid(`${where}: must be an object`);
  return value as Fields;
}

function operationIn({ operation }: Fields, where: string): OperationName {
  const known = OPERATION_NAMES.find((name) => name === operation);
  if (known === undefined)
    throw new DifferencesInvalid(
      `${where}.operation: there is no ${String(operation)}; see backlot list endpoints`,
    );
  return known;
}

function textIn(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new DifferencesInvalid(`${where}: must be text`);
}

function versionIn(value: unknown): string {
  const version = textIn(value, 'platform.version');
  if (/^\d+(\.\d+){1,3}$/.test(version)) return version;
  throw new DifferencesInvalid(`platform.version: must be like ${REFERENCE_VERSION}, not ${version}`);
}

function integerIn(value: unknown, where: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new DifferencesInvalid(`${where}: must be a whole number from ${least} to ${most}`);
}

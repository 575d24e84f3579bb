/**
 * The calls of the product's API that the simulator serves and the SDK makes: one row per call.
 *
 * Older dates of a resource stay alive beside newer ones, so a row lists all paths that are answered. The date of a
 * path decides its envelope (`envelope.ts`).
 */
import { dateOfPath } from './envelope.ts';
import type { Operation } from './operation.ts';
import { HOT_ADD_OPERATIONS } from './operations/hot-add.ts';
import { INVENTORY_OPERATIONS } from './operations/inventory.ts';
import { LOGIN_OPERATIONS } from './operations/login.ts';
import { PROTECTION_OPERATIONS } from './operations/protection.ts';
import { SERVER_OPERATIONS } from './operations/servers.ts';

export const OPERATIONS = {
  ...LOGIN_OPERATIONS,
  ...INVENTORY_OPERATIONS,
  ...SERVER_OPERATIONS,
  ...PROTECTION_OPERATIONS,
  ...HOT_ADD_OPERATIONS,
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof OPERATIONS;

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];

/** A row of the table without its literal types, for code that treats all calls alike. */
export const operationOf = (name: OperationName): Operation => OPERATIONS[name];

/**
 * The path of a call with its parameters filled in and encoded.
 * @param date picks one of several dated paths (`20220725`); the first one without it
 * @throws RangeError for a missing parameter or a date that the call has not
 */
export function operationPath(
  name: OperationName,
  params: Readonly<Record<string, string>> = {},
  date?: string,
): string {
  const { paths } = operationOf(name);
  const template = date === undefined ? paths[0] : paths.find((path) => dateOfPath(path) === date);
  if (template === undefined) throw new RangeError(`${name} has no path of date ${date}`);
  if (!template.includes('{')) return template;
  return template.replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = params[key];
    if (value === undefined) throw new RangeError(`${name} needs ${key}`);
    return encodeURIComponent(value);
  });
}

/** What of the fields of an answer differs between a platform and the simulator. */
import type { FieldDifference } from '../../src/contract/differences.ts';
import { type OperationName, operationOf } from '../../src/contract/operations.ts';
import { fieldsOfSchema, type Kind, parentOf, type SchemaField, type Shape } from './shapes.ts';

/**
 * `simulated` may be empty, where the simulator had nothing to show: then the contract alone decides. A field that
 * only some of the answers have is none that is missing.
 */
export function compareShapes(
  operation: OperationName,
  live: Shape,
  simulated: Shape,
): readonly FieldDifference[] {
  const contract = fieldsOfSchema(operationOf(operation).data);
  const found: FieldDifference[] = [];
  for (const field of [...live.keys()].sort()) {
    if (isUnderOpen(field, contract) || isUnderNew(field, live, found)) continue;
    const expected = expectedKinds(contract.get(field), simulated.get(field)?.kinds);
    const seen = live.get(field)?.kinds ?? new Set<Kind>();
    if (expected === undefined) found.push({ operation, field, difference: 'extra', seen: words(seen) });
    else if (!areAmong(seen, expected))
      found.push({ operation, field, difference: 'type', expected: words(expected), seen: words(seen) });
  }
  for (const field of [...new Set([...simulated.keys(), ...contract.keys()])].sort()) {
    if (live.has(field) || field.endsWith('[]')) continue;
    const holders = live.get(parentOf(field));
    if (holders?.kinds.has('object') !== true) continue;
    if (!isAlwaysThere(field, simulated, contract.get(field))) continue;
    found.push({ operation, field, difference: 'missing' });
  }
  return found;
}

/** Of what is not known, the inside is not known either. */
function isUnderNew(field: string, live: Shape, found: readonly FieldDifference[]): boolean {
  return ancestorsOf(field).some(
    (path) => live.has(path) && found.some((one) => one.field === path && one.difference === 'extra'),
  );
}

function isUnderOpen(field: string, contract: ReadonlyMap<string, SchemaField>): boolean {
  return ancestorsOf(field).some((path) => contract.get(path)?.isOpen === true);
}

function ancestorsOf(field: string): readonly string[] {
  const path: string[] = [];
  for (let at = field; at !== ''; ) {
    at = parentOf(at);
    path.push(at);
  }
  return path;
}

/** `undefined`: nobody knows the field. Empty: it may be anything. */
function expectedKinds(
  known: SchemaField | undefined,
  simulated: ReadonlySet<Kind> | undefined,
): ReadonlySet<Kind> | undefined {
  if (known === undefined && simulated === undefined) return undefined;
  if (known?.kinds.size === 0) return known.kinds;
  return new Set([...(known?.kinds ?? []), ...(simulated ?? [])]);
}

function areAmong(seen: ReadonlySet<Kind>, expected: ReadonlySet<Kind>): boolean {
  if (expected.size === 0) return true;
  return [...seen].every((kind) => expected.has(kind) || (kind === 'integer' && expected.has('number')));
}

function isAlwaysThere(field: string, simulated: Shape, known: SchemaField | undefined): boolean {
  const holders = simulated.get(parentOf(field))?.count ?? 0;
  if (holders === 0) return known?.isRequired === true;
  return (simulated.get(field)?.count ?? 0) >= holders;
}

const words = (kinds: ReadonlySet<Kind>): string => [...kinds].sort().join(' or ');

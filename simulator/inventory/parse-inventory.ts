/**
 * Reads an inventory file, YAML or JSON (which is YAML too).
 *
 * Everything that is wrong is said at once, each with file, line, column and field, so that a file is put right in
 * one go.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { InventorySpec } from '../domain/inventory.ts';
import { checkShape } from './check-shape.ts';
import type { InventoryFile, Path, Problem } from './inventory-file.ts';
import { INVENTORY_SCHEMA } from './inventory-schema.ts';
import { resolveInventory } from './resolve-inventory.ts';

/** Errors beyond so many are counted, not shown. */
const SHOWN_PROBLEMS = 20;

/** What is wrong with an inventory file, one line each: `file:line:column: field: what is wrong; what is allowed`. */
export class InventoryError extends Error {
  override readonly name = 'InventoryError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const hidden = problems.length - SHOWN_PROBLEMS;
    const tail = hidden > 0 ? [`... and ${hidden} more`] : [];
    super([...problems.slice(0, SHOWN_PROBLEMS), ...tail].join('\n'));
    this.problems = problems;
  }
}

/**
 * @param fileName only for messages
 * @param seed draws what the file leaves out
 * @throws InventoryError
 */
export function parseInventory(text: string, fileName: string, seed = 'backlot'): InventorySpec {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0)
    throw new InventoryError(
      document.errors.map((error) => `${place(fileName, lines, error.pos[0])}: ${firstLine(error.message)}`),
    );
  const render = (problem: Problem): string => {
    const field = problem.path.length === 0 ? '' : `${showPath(problem.path)}: `;
    return `${place(fileName, lines, offsetOf(document, problem.path))}: ${field}${problem.what}`;
  };
  return interpret(document.toJS({ maxAliasCount: 100 }), seed, render);
}

/**
 * The same for data that is no file: messages name the field only.
 * @throws InventoryError
 */
export function readInventory(data: unknown, seed: string): InventorySpec {
  return interpret(data, seed, ({ path, what }) => (path.length === 0 ? what : `${showPath(path)}: ${what}`));
}

function interpret(data: unknown, seed: string, render: (problem: Problem) => string): InventorySpec {
  const shape = checkShape(data, INVENTORY_SCHEMA);
  if (shape.length > 0) throw new InventoryError(shape.map(render));
  const { inventory, problems } = resolveInventory(data as InventoryFile, seed);
  if (problems.length > 0) throw new InventoryError(problems.map(render));
  return inventory;
}

function place(fileName: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `${fileName}:${line || 1}:${col || 1}`;
}

/** Where the field stands; where it does not exist, where its nearest parent stands. */
function offsetOf(document: Document, path: Path): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const key = keyOffset(document, path.slice(0, depth));
    if (key !== undefined) return key;
  }
  return 0;
}

function keyOffset(document: Document, path: Path): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true);
  const last = path.at(-1);
  if (typeof last === 'string' && isMap(parent)) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
    return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
  }
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(node) ? node.range?.[0] : undefined;
}

function showPath(path: Path): string {
  return path
    .map((part, at) => (typeof part === 'number' ? `[${part}]` : at === 0 ? part : `.${part}`))
    .join('');
}

/** The parser repeats the place, and adds a picture of it. */
function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
}

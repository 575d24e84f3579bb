/** Reads a YAML or JSON file that must match a schema. Every problem is told with its place: file:line:column field. */
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What a file says, and what is wrong with it as complete lines for people. */
export interface CheckedFile {
  readonly value: unknown;
  readonly problems: readonly string[];
}

/** `check` finds the problems of a document; `what` names it as a whole. */
export function readCheckedYaml(
  text: string,
  file: string,
  check: (value: unknown) => readonly Problem[],
  what = 'file',
): CheckedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map((e) => `${at(e.pos[0])} ${e.message.split('\n')[0] ?? 'not YAML'}`);
    return { value: undefined, problems };
  }
  const value: unknown = document.toJS();
  const problems = check(value).map(({ path, message }) => {
    const offset = offsetOf(document.contents, path);
    return `${at(offset)} ${path.join('.') || what}: ${message}`;
  });
  return { value, problems };
}

/** A check against a schema, compiled once. */
export function createSchemaCheck(schema: TSchema): (value: unknown) => readonly Problem[] {
  const compiled = Compile(schema);
  return (value) => {
    if (compiled.Check(value)) return [];
    const problems = compiled.Errors(value).flatMap((error): Problem[] => {
      const path = pointerPath(error.instancePath);
      // A closed object reports its stranger twice, once by this name.
      if (error.keyword === 'boolean') return [{ path, message: 'is not a word of this place' }];
      if (error.keyword === 'additionalProperties') return [];
      return [{ path, message: problemText(error) }];
    });
    return problems.length > 0 ? problems : [{ path: [], message: 'does not match the schema' }];
  };
}

function problemText(error: { keyword: string; message: string; params: object }): string {
  const { params } = error;
  if ('allowedValues' in params) return `must be one of ${JSON.stringify(params.allowedValues)}`;
  if ('requiredProperties' in params) return `lacks ${JSON.stringify(params.requiredProperties)}`;
  return error.message;
}

function pointerPath(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}

/** Where the named node begins; for a key of a map, where the key stands. The nearest ancestor that exists. */
function offsetOf(root: Node | null, path: readonly (string | number)[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined) break;
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (typeof node === 'object' && node !== null && 'items' in node && Array.isArray(node.items)) {
      node = node.items[Number(part)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  return offset;
}

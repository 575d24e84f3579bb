/** Reads a scenario file. Every problem is told with its place: file:line:column field. */
import { Compile } from 'typebox/compile';
import { isMap, isScalar, LineCounter, type Node, parseDocument } from 'yaml';
import { type Scenario, ScenarioSchema } from './scenario-schema.ts';
import { findStoryProblems } from './story-problems.ts';

/** A scenario that can't be used; `problems` are complete lines for people. */
export class ScenarioInvalid extends Error {
  override readonly name = 'ScenarioInvalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

export interface Problem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

const compiled = Compile(ScenarioSchema);

/** @throws ScenarioInvalid */
export function parseScenario(text: string, file: string): Scenario {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw new ScenarioInvalid(
      document.errors.map((e) => `${at(e.pos[0])} ${e.message.split('\n')[0] ?? 'not YAML'}`),
    );
  }
  const value: unknown = document.toJS();
  const problems = scenarioProblems(value);
  if (problems.length === 0) return value as Scenario;
  throw new ScenarioInvalid(
    problems.map(({ path, message }) => {
      const offset = offsetOf(document.contents, path);
      return `${at(offset)} ${path.join('.') || 'scenario'}: ${message}`;
    }),
  );
}

/** What is wrong with it as a scenario; nothing when it is one. */
export function scenarioProblems(value: unknown): readonly Problem[] {
  return compiled.Check(value) ? findStoryProblems(value) : schemaProblems(value);
}

function schemaProblems(value: unknown): Problem[] {
  const problems = compiled.Errors(value).flatMap((error): Problem[] => {
    const path = pointerPath(error.instancePath);
    // A closed object reports its stranger twice, once by this name.
    if (error.keyword === 'boolean') return [{ path, message: 'is not a word of this place' }];
    if (error.keyword === 'additionalProperties') return [];
    return [{ path, message: problemText(error) }];
  });
  return problems.length > 0 ? problems : [{ path: [], message: 'does not match the schema' }];
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

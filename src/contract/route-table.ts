/** Which call of the contract a path belongs to, for calls that come without HTTP. */
import { OPERATION_NAMES, type OperationName, operationOf } from './operations.ts';

export interface Route {
  readonly operation: OperationName;
  readonly params: Readonly<Record<string, string>>;
}

interface Template {
  readonly operation: OperationName;
  /** A parameter's name in place of its segment, in braces. */
  readonly segments: readonly string[];
}

/** `undefined` where no call matches, or where a parameter cannot be decoded. */
export function routeOf(method: string, path: string): Route | undefined {
  const segments = path.split('/');
  for (const template of candidates(method, segments.length)) {
    if (!fits(template, segments)) continue;
    return { operation: template.operation, params: paramsOf(template, segments) };
  }
  return undefined;
}

/** By method and number of segments; those with fewer parameters first, because a word wins over a parameter. */
let table: Map<string, Template[]> | undefined;

function candidates(method: string, length: number): readonly Template[] {
  table ??= buildTable();
  return table.get(`${method} ${length}`) ?? [];
}

function buildTable(): Map<string, Template[]> {
  const built = new Map<string, Template[]>();
  for (const operation of OPERATION_NAMES)
    for (const path of operationOf(operation).paths) {
      const segments = path.split('/');
      const key = `${operationOf(operation).method} ${segments.length}`;
      built.set(key, [...(built.get(key) ?? []), { operation, segments }]);
    }
  for (const templates of built.values()) templates.sort((a, b) => paramCount(a) - paramCount(b));
  return built;
}

const isParam = (segment: string): boolean => segment.startsWith('{');
const paramCount = ({ segments }: Template): number => segments.filter(isParam).length;

function fits({ segments }: Template, sent: readonly string[]): boolean {
  return segments.every((segment, at) => (isParam(segment) ? sent[at] !== '' : segment === sent[at]));
}

function paramsOf({ segments }: Template, sent: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  segments.forEach((segment, at) => {
    if (isParam(segment)) params[segment.slice(1, -1)] = decodeURIComponent(sent[at] ?? '');
  });
  return params;
}

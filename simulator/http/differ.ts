/**
 * Makes the simulator answer as a real platform was seen to: calls that are not there, fields that are missing or of
 * another kind, pages that are smaller. Extra fields and other envelopes are not imitated.
 */
import type { Differences, FieldDifference, PageSizeDifference } from '../../src/contract/differences.ts';
import { API_ERRORS, ApiError } from '../../src/contract/errors.ts';
import type { OperationName } from '../../src/contract/operations.ts';
import type { Json } from '../../src/kernel/journal.ts';

export interface Differing {
  /** @throws ApiError where the platform does not answer this call */
  readonly refuse: (operation: OperationName, path: string) => void;
  /** @throws ApiError for a page that is too large, where that is refused */
  readonly page: (query: Record<string, unknown>) => void;
  readonly edit: (operation: OperationName, data: Json) => Json;
}

export function createDiffering({ endpoints, fields, limits }: Differences): Differing {
  const edits = Map.groupBy(
    fields.filter(({ difference }) => difference !== 'extra'),
    ({ operation }) => operation,
  );
  return {
    refuse(operation, path) {
      const gone = endpoints.find(
        (one) => one.operation === operation && (one.path === undefined || fits(one.path, path)),
      );
      if (gone !== undefined) throw new ApiError(codeFor(gone.status), path);
    },
    page: (query) => limitPage(query, limits.pageSize),
    edit: (operation, data) =>
      (edits.get(operation) ?? []).reduce((edited, one) => editAt(edited, one.field.split('.'), one), data),
  };
}

/** The row of the catalogue that is most plainly about this status. */
function codeFor(status: number): keyof typeof API_ERRORS {
  if (status === 404) return 'UNKNOWN_PATH';
  const codes = Object.keys(API_ERRORS) as (keyof typeof API_ERRORS)[];
  return codes.find((code) => API_ERRORS[code].status === status) ?? 'INTERNAL';
}

function fits(template: string, path: string): boolean {
  const [asked, known] = [path.split('/'), template.split('/')];
  return known.length === asked.length && known.every((one, at) => one.startsWith('{') || one === asked[at]);
}

function limitPage(query: Record<string, unknown>, limit: PageSizeDifference | undefined): void {
  const { page_size: wanted } = query;
  if (limit === undefined || typeof wanted !== 'number' || wanted <= limit.most) return;
  if (limit.beyond === 'refused')
    throw new ApiError('INVALID_PARAMETER', `page_size: must be at most ${limit.most}`);
  query['page_size'] = limit.most;
}

/** The value with the field at `path` taken out or turned; lists in between are gone through. */
function editAt(value: Json, path: readonly string[], how: FieldDifference): Json {
  const [name = '', ...rest] = path;
  if (name === '' && rest.length === 0) return value;
  if (name.endsWith('[]')) {
    const key = name.slice(0, -2);
    const each = (list: Json): Json =>
      isList(list)
        ? list.map((item) => (rest.length === 0 ? turned(item, how) : editAt(item, rest, how)))
        : list;
    return key === '' ? each(value) : within(value, key, each);
  }
  if (rest.length > 0) return within(value, name, (inner) => editAt(inner, rest, how));
  if (how.difference !== 'missing') return within(value, name, (inner) => turned(inner, how));
  if (!isFields(value)) return value;
  const { [name]: _gone, ...others } = value;
  return others;
}

function within(value: Json, key: string, change: (inner: Json) => Json): Json {
  if (!isFields(value)) return value;
  const inner = value[key];
  return inner === undefined ? value : { ...value, [key]: change(inner) };
}

/** The same value as another kind of JSON, where it can be one. */
function turned(value: Json, { seen }: FieldDifference): Json {
  switch (seen) {
    case 'string':
      return typeof value === 'string' ? value : JSON.stringify(value);
    case 'integer':
    case 'number':
      return Number.isFinite(Number(value)) ? Number(value) : value;
    case 'boolean':
      return value !== 0 && value !== '' && value !== false && value !== null;
    case 'null':
      return null;
    default:
      return value;
  }
}

type Fields = { readonly [key: string]: Json };
const isList = (value: Json): value is readonly Json[] => Array.isArray(value);
const isFields = (value: Json): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

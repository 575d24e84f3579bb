/**
 * Paged lists: the query that every one takes and the answer that every one gives.
 * @source SCP OpenAPI 6.11.1, list parameters
 */
import { integer, integerIn, listOf, object, oneOf, type Schema, type Static, text } from '../schema.ts';

/** The document's maximum is 100; up to 1000 is taken, since a client in production asks for it. @fidelity observed */
const MAX_PAGE_SIZE = 1000;
export const DEFAULT_PAGE_SIZE = 100;

export const PAGE_FIELDS = {
  page_num: integerIn(0, 2 ** 31 - 1),
  page_size: integerIn(1, MAX_PAGE_SIZE),
  /** Names of fields, separated by commas: only these come back. */
  fields: text,
  /** Names of fields, separated by commas: ordered by these. */
  sort: text,
  order_by: oneOf('ASC', 'DESC'),
};

const pageQuery = object({}, PAGE_FIELDS);
export type PageQuery = Static<typeof pageQuery>;

/** `next_page_num` is an integer as a string, empty on the last page. */
export function pageOf<T>(item: Schema<T>): Schema<Page<T>> {
  return object({
    total_size: integer,
    page_num: integer,
    page_size: integer,
    next_page_num: text,
    data: listOf(item),
  });
}

export type Page<T> = {
  readonly total_size: number;
  readonly page_num: number;
  readonly page_size: number;
  readonly next_page_num: string;
  readonly data: readonly T[];
};

/** The id of the task that does the work. */
export const taskStarted = object({ task_id: text });

/** An id in a filter that has to be a UUID; the refusal of anything else was seen on a live system. */
export const uuid: Schema<string> = { type: 'string', format: 'uuid' };

/** Lists that come in pages. @source SCP OpenAPI 6.11.1, list parameters */
import type { OperationName } from '../contract/operations.ts';
import type { BoundCall } from './bound-call.ts';
import type { CallSpec } from './caller.ts';
import { FieldReader } from './field-reader.ts';
import { ProtocolError } from './protocol-error.ts';

const PAGE_SIZE = 100;

/**
 * All items of a list. Some builds answer some lists as a plain array; that counts as the only page.
 * @throws ProtocolError when the next page does not lie ahead, so that a wrong answer cannot loop for ever
 */
export async function readAllPages<T>(
  call: BoundCall,
  operation: OperationName,
  query: NonNullable<CallSpec['query']>,
  read: (item: FieldReader) => T,
): Promise<readonly T[]> {
  const items: T[] = [];
  for (let page: number | undefined = 0; page !== undefined; ) {
    const data = await call(operation, { query: { ...query, page_num: page, page_size: PAGE_SIZE } });
    if (Array.isArray(data)) return new FieldReader(operation, { data }).list('data', read);
    const fields: FieldReader = new FieldReader(operation, data);
    items.push(...fields.list('data', read));
    page = nextPage(operation, fields, page);
  }
  return items;
}

/** The next page's number; it comes as a string, empty on the last page. */
function nextPage(operation: OperationName, fields: FieldReader, page: number): number | undefined {
  const next = fields.stringOr('next_page_num', '');
  if (next === '') return undefined;
  const number = Number(next);
  if (!Number.isSafeInteger(number) || number <= page)
    throw new ProtocolError(operation, 'next_page_num', `is ${next} after page ${page}`);
  return number;
}

import { describe, expect, it } from 'vitest';
import { pageOfItems } from '../../../simulator/http/list-page.ts';

const numbers = Array.from({ length: 250 }, (_, at) => at);
const toItem = (value: number) => ({ id: `n${value}`, value, odd: value % 2 });

describe('a page', () => {
  it('is the first hundred unless asked otherwise', () => {
    const page = pageOfItems(numbers, toItem, {});
    expect(page).toMatchObject({ total_size: 250, page_num: 0, page_size: 100, next_page_num: '1' });
    expect(page.data).toHaveLength(100);
  });

  it('says the next page as a string, and nothing on the last', () => {
    expect(pageOfItems(numbers, toItem, { page_num: 1 }).next_page_num).toBe('2');
    expect(pageOfItems(numbers, toItem, { page_num: 2 })).toMatchObject({ next_page_num: '' });
    expect(pageOfItems(numbers, toItem, { page_num: 2 }).data).toHaveLength(50);
  });

  it('is the last when it ends exactly at the end', () => {
    expect(pageOfItems(numbers, toItem, { page_num: 4, page_size: 50 }).next_page_num).toBe('');
  });

  it('beyond the end is empty', () => {
    expect(pageOfItems(numbers, toItem, { page_num: 3 })).toMatchObject({ data: [], next_page_num: '' });
  });

  it('walked through has everything once', () => {
    const seen: unknown[] = [];
    for (let next = '0'; next !== ''; ) {
      const page = pageOfItems(numbers, toItem, { page_num: Number(next), page_size: 7 });
      seen.push(...page.data.map(({ value }) => value));
      next = page.next_page_num;
    }
    expect(seen).toEqual(numbers);
  });

  it('is ordered by several fields, numbers as numbers', () => {
    const { data } = pageOfItems([10, 9, 2, 3], toItem, { sort: 'odd,value' });
    expect(data.map(({ value }) => value)).toEqual([2, 10, 3, 9]);
    const down = pageOfItems([10, 9, 2, 3], toItem, { sort: 'value', order_by: 'DESC' });
    expect(down.data.map(({ value }) => value)).toEqual([10, 9, 3, 2]);
  });

  it('has only the fields that were asked for', () => {
    expect(pageOfItems([1], toItem, { fields: 'id, value,none' }).data).toEqual([{ id: 'n1', value: 1 }]);
  });

  it('builds no more items than it shows', () => {
    let built = 0;
    pageOfItems(numbers, (value) => (built++, toItem(value)), { page_size: 10 });
    expect(built).toBe(10);
  });
});

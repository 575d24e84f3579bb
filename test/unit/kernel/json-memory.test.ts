import { describe, expect, it } from 'vitest';
import { createJsonMemory } from '../../../src/kernel/json-memory.ts';

describe('a memory of JSON', () => {
  it('reads the same text once', () => {
    const parse = createJsonMemory();
    const value = parse('{"a":[1,{"b":null}]}');
    expect(value).toEqual({ a: [1, { b: null }] });
    expect(parse(['{"a":[1,', '{"b":null}]}'].join(''))).toBe(value);
    expect(parse('{"a":[1,{"b":0}]}')).toEqual({ a: [1, { b: 0 }] });
  });

  it('gives what nobody can write to, at any depth', () => {
    const value = createJsonMemory()('{"a":[1,{"b":2}]}') as { a: [number, { b: number }] };
    expect(() => value.a.push(3)).toThrow(TypeError);
    expect(() => {
      value.a[1].b = 3;
    }).toThrow(TypeError);
  });

  it('fails as JSON.parse does, each time', () => {
    const parse = createJsonMemory();
    for (let time = 0; time < 2; time++) expect(() => parse('{"a":')).toThrow(SyntaxError);
  });

  it('forgets everything before it keeps more text than it may', () => {
    const parse = createJsonMemory(10);
    const first = parse('[1,2,3]');
    expect(parse('[1,2,3]')).toBe(first);
    parse('[4,5,6]');
    expect(parse('[1,2,3]')).not.toBe(first);
  });
});

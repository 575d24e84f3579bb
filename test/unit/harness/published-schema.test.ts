import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { publishedSchema } from '../../../harness/runner/published-schema.ts';

describe('published scenario schema', () => {
  it('is the one that scenarios are checked with', () => {
    // To bring it up to date: backlot list schema > scenarios/scenario.schema.json
    expect(readFileSync('scenarios/scenario.schema.json', 'utf8')).toBe(publishedSchema());
  });

  it('closes every object, so that a misspelt word is an error', () => {
    const open: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const fields = node as Readonly<Record<string, unknown>>;
      if (fields['properties'] !== undefined && fields['additionalProperties'] !== false) open.push(path);
      for (const [key, value] of Object.entries(fields)) visit(value, `${path}/${key}`);
    };
    visit(JSON.parse(publishedSchema()), '');
    expect(open).toEqual([]);
  });
});

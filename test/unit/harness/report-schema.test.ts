import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { publishedReportSchema } from '../../../harness/report/report-schema.ts';

describe('published report schema', () => {
  it('is the one that reports are read with', () => {
    // To bring it up to date: backlot list schema report > harness/report/report.schema.json
    expect(readFileSync('harness/report/report.schema.json', 'utf8')).toBe(publishedReportSchema());
  });
});

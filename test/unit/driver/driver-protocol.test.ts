import { readFileSync } from 'node:fs';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../../../harness/driver/capabilities.ts';
import { parseDeclaration } from '../../../harness/driver/declaration.ts';
import { DriverJobSchema } from '../../../harness/driver/protocol.ts';
import { createLineReader } from '../../../harness/driver/read-lines.ts';
import { publishedVendorSchema, VENDOR_SCHEMA_NAMES } from '../../../harness/verdict/vendor-schemas.ts';
import { parseWaivers } from '../../../harness/verdict/waivers.ts';

const document = readFileSync('docs/driver-protocol.md', 'utf8');

/** The blocks of the document whose fence has the two words. */
function examples(words: string): readonly string[] {
  return [...document.matchAll(/^```(\w+ \w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, fence]) => fence === words)
    .map(([, , text = '']) => text);
}

describe('the document of the driver protocol', () => {
  it('shows a job of every operation, each as the schema has it', () => {
    const schema = Compile(DriverJobSchema);
    const jobs = examples('json job').map((text): unknown => JSON.parse(text));
    for (const job of jobs) expect([...schema.Errors(job)]).toEqual([]);
    const operations = jobs.map((job) => (job as { operation: string }).operation);
    expect(operations.sort()).toEqual(['backup', 'cleanup', 'incremental', 'restore', 'unprotect']);
  });

  it('shows lines of every kind, each of which the reader takes', () => {
    const kinds = examples('json line').map((text) => {
      const line = JSON.stringify(JSON.parse(text));
      const reader = createLineReader();
      reader.push(Buffer.from(`${line}\n`));
      expect(reader.problem, line).toBeUndefined();
      const { type, result = '' } = JSON.parse(text) as { type: string; result?: string };
      return `${type} ${result}`.trim();
    });
    expect(new Set(kinds)).toEqual(new Set(['log', 'progress', 'result ok', 'result failed']));
  });

  it('shows a declaration and waivers that can be used, and has every capability', () => {
    const [declaration = ''] = examples('yaml engine');
    expect(parseDeclaration(declaration, 'x.yaml').name).toBe('my-engine');
    const [waivers = ''] = examples('yaml waivers');
    expect(parseWaivers(waivers, 'x.yaml', new Set(['LOCK-1']))).toHaveLength(1);
    for (const [name, what] of Object.entries(CAPABILITIES))
      expect(document).toContain(`| \`${name}\` | ${what} |`);
  });

  it('comes with schemas that are published as they are', () => {
    for (const name of VENDOR_SCHEMA_NAMES) {
      // To bring one up to date: backlot list schema NAME > harness/driver/schemas/NAME.schema.json
      const file = readFileSync(`harness/driver/schemas/${name}.schema.json`, 'utf8');
      expect(file, name).toBe(publishedVendorSchema(name));
    }
  });
});

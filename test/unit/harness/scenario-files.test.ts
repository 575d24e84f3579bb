import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadScenarios } from '../../../harness/runner/load-scenarios.ts';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';

const scenarios = loadScenarios('scenarios');
const readme = readFileSync('scenarios/README.md', 'utf8');

describe('scenario files', () => {
  it('are listed in the README with their titles and stories', () => {
    const rows = scenarios.map(
      ({ id, title, stories = [] }) => `| ${id} | ${title} | ${stories.join(', ')} |`,
    );
    expect(rows.filter((row) => !readme.includes(row))).toEqual([]);
    expect(readme.match(/^\| S\d{3}/gm)).toHaveLength(scenarios.length);
  });

  it('are written like the example in the README', () => {
    const example = /```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '';
    expect(parseScenario(example, 'README.md').id).toBe('S999-example');
  });

  it('name every step of the language in the README', () => {
    const schema = JSON.parse(readFileSync('scenarios/scenario.schema.json', 'utf8')) as {
      properties: { steps: { items: { properties: Record<string, unknown> } } };
    };
    const steps = Object.keys(schema.properties.steps.items.properties);
    expect(steps.length).toBeGreaterThan(20);
    expect(steps.filter((step) => !readme.includes(`\`${step}\``))).toEqual([]);
  });
});

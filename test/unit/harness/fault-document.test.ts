import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { faultDocument } from '../../../harness/runner/fault-document.ts';
import { parseScenario } from '../../../harness/runner/parse-scenario.ts';
import { faultSpecOf } from '../../../harness/runner/fault-words.ts';
import { FAULT_KIND_NAMES } from '../../../simulator/fault/fault-kinds.ts';
import { parseFaultSpec } from '../../../simulator/fault/fault-spec.ts';

const text = readFileSync('docs/faults.md', 'utf8');
const section = (kind: string): string => text.split(`\n### ${kind}\n`)[1]?.split('\n### ')[0] ?? '';
const fenced = (kind: string, language: string): string =>
  new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(section(kind))?.[1] ?? '';

const SCENARIO = {
  id: 'S998-example',
  title: 'An example of a scenario',
  rule: 'A product must be able to do this.',
  why: 'Otherwise nothing works at all.',
  world: { servers: [{ name: 'vm1', disks: [{ slot: 'ide0', size: '64KiB' }] }] },
  steps: [{ backup: {} }],
};

describe('docs/faults.md', () => {
  it('is what the code says', () => {
    // To bring it up to date: backlot list faults --markdown > docs/faults.md
    expect(text).toBe(faultDocument());
  });

  it.each(FAULT_KIND_NAMES)('has an example of %s in both languages, and both mean the same', (kind) => {
    const [step] = parse(fenced(kind, 'yaml'));
    const json = /-d '(.*)'/.exec(fenced(kind, 'sh'))?.[1] ?? '';
    const spec = JSON.parse(json.replaceAll("'\\''", "'"));
    expect(parseFaultSpec(spec)).toEqual(faultSpecOf(step.fault, 'nbd'));
    expect(spec.kind).toBe(kind);
  });

  it.each(FAULT_KIND_NAMES)('has an example of %s that is a step and an attack of a scenario', (kind) => {
    const steps = parse(fenced(kind, 'yaml')) as unknown[];
    expect(steps).toHaveLength(1);
    const asStep = { ...SCENARIO, steps: [...steps, { backup: {} }] };
    expect(parseScenario(JSON.stringify(asStep), 'step.yaml').steps[0]?.fault?.kind).toBe(kind);
    const asAttack = { ...SCENARIO, attack: steps };
    expect(parseScenario(JSON.stringify(asAttack), 'attack.yaml').attack?.[0]?.fault?.kind).toBe(kind);
  });
});

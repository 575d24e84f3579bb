import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../harness/runner/parse-scenario.ts';
import { createLane } from '../../harness/runner/run-suite.ts';
import { createSimulator } from '../../simulator/app/simulator.ts';
import { loadScenarios } from '../../harness/runner/load-scenarios.ts';
import { missingPart, runShown, shownCommands } from './shown-commands.ts';

const FILE = 'docs/scenarios-from-incidents.md';
const text = readFileSync(FILE, 'utf8');
const SCENARIO = /```yaml\n(id: .*?)```/s.exec(text)?.[1] ?? '';
const scenario = parseScenario(SCENARIO, FILE);

describe('the incident in the documents', () => {
  it.each(['nbd', 'nbdssl', 'hotadd'] as const)('is a scenario that passes over %s', async (transport) => {
    await using simulator = await createSimulator();
    const lane = createLane({ simulator, stopwatch: () => 0 });
    const { outcome, reason, faults } = await lane({ scenario, transport, seed: 'incident' });
    expect({ outcome, reason }).toEqual({ outcome: 'passed', reason: '' });
    expect(faults).toMatchObject([{ id: 'phantom', kind: 'task-phantom', fired: 3 }]);
  });

  it('fails where the platform goes on forgetting, so that the leftover is seen', async () => {
    await using simulator = await createSimulator();
    const steps = scenario.steps.map((step) =>
      step.fault === undefined ? step : { fault: { ...step.fault, times: 0 } },
    );
    const lane = createLane({ simulator, stopwatch: () => 0 });
    const { outcome, reason } = await lane({
      scenario: { ...scenario, steps },
      transport: 'nbd',
      seed: 'incident',
    });
    expect(outcome).toBe('failed');
    expect(reason).not.toBe('');
  });

  it('is told on with commands that print what they are said to print', () => {
    const folder = mkdtempSync(join(tmpdir(), 'backlot-incident-'));
    writeFileSync(join(folder, 'incident.yaml'), SCENARIO);
    const commands = shownCommands(text);
    expect(commands.map(({ command }) => command.split(' ')[0])).toEqual(['replay', 'replay']);
    for (const { command, output } of commands) {
      const { out } = runShown(command.split(' '), folder);
      expect({ command, missing: missingPart(output, out) }).toEqual({ command, missing: undefined });
    }
    rmSync(folder, { recursive: true });
  }, 120_000);

  it('has an id that no shipped scenario has', () => {
    expect(loadScenarios('scenarios').map(({ id }) => id)).not.toContain(scenario.id);
  });
});

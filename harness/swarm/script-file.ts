/** The script of a seed as a plain scenario file, which `run`, `replay` and `shrink` take. */
import type { Transport } from '../../src/engine/engine-api.ts';
import { writeHeader } from '../replay/scenario-header.ts';
import type { Scenario } from '../runner/scenario-schema.ts';
import { scenarioText } from '../shrink/scenario-text.ts';

export interface ScriptFileOptions {
  readonly scenario: Scenario;
  readonly transport: Transport;
  readonly seed: string;
  readonly journalHash: string;
  readonly mutant: string | undefined;
  /** Why it was not survived. */
  readonly reason: string;
}

const LONGEST_LINE = 120;

export function scriptFile({ scenario, transport, seed, journalHash, mutant, reason }: ScriptFileOptions): {
  readonly name: string;
  readonly text: string;
} {
  const name = `${scenario.id}.${transport}.seed-${seed.replaceAll(/[^A-Za-z0-9.-]+/g, '_')}.yaml`;
  const why = reason === '' ? scenario.why : reason.replaceAll(/\s+/g, ' ').slice(0, LONGEST_LINE).trim();
  const text = scenarioText({ ...scenario, why, engines: [transport] });
  const broken = mutant === undefined ? {} : { mutant };
  return { name, text: `${writeHeader(name, { engine: transport, seed, journalHash, ...broken })}${text}` };
}

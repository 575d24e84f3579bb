/** A cell as a plain scenario file, which `backlot run` and `backlot replay` repeat byte for byte. */
import type { Transport } from '../../src/engine/engine-api.ts';
import { writeHeader } from '../replay/scenario-header.ts';
import { scenarioText } from '../shrink/scenario-text.ts';
import { underAttack } from './run-cell.ts';
import type { CellResult } from './sweep-api.ts';
import type { SweepTask } from './sweep.ts';

export interface FailureFile {
  readonly name: string;
  readonly text: string;
}

const LONGEST_TITLE = 120;

/** The id stays that of the scenario: the world's seed is drawn from it. */
export function failureFile(
  { scenario, transport, seed, mutant }: SweepTask,
  result: CellResult,
): FailureFile {
  const { cell, reason, journalHash } = result;
  const { id, title: _, engines: __, why, ...rest } = underAttack(scenario, cell);
  const name = failureFileName(scenario.id, transport, cell.id);
  const text = scenarioText({
    ...rest,
    id,
    title: shorten(`Under attack: ${cell.id}`),
    why: reason === '' ? why : shorten(reason),
    engines: [transport],
  });
  const header = writeHeader(name, {
    engine: transport,
    seed,
    journalHash,
    ...(mutant === undefined ? {} : { mutant }),
  });
  return { name, text: `${header}${text}` };
}

export function failureFileName(scenario: string, transport: Transport, cellId: string): string {
  return `${scenario}.${transport}.${fileNameOf(cellId)}.yaml`;
}

function shorten(text: string): string {
  return text.length <= LONGEST_TITLE ? text : `${text.slice(0, LONGEST_TITLE - 3)}...`;
}

function fileNameOf(cellId: string): string {
  return cellId.replaceAll(/[^A-Za-z0-9.-]+/g, '_');
}

/** A cell as a plain scenario file, which `backlot run` and `backlot replay` repeat byte for byte. */
import { stringify } from 'yaml';
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
  const { id, title: _, engines: __, why: ___, ...rest } = underAttack(scenario, cell);
  const name = `${scenario.id}.${transport}.${fileNameOf(cell.id)}.yaml`;
  const broken = mutant === undefined ? '' : ` --mutant ${mutant}`;
  const text = stringify(
    { id, title: shorten(`Under attack: ${cell.id}`), ...rest, why: shorten(reason), engines: [transport] },
    { lineWidth: 110, flowCollectionPadding: true },
  );
  const how = `# backlot replay ${name} --engine ${transport} --seed ${seed}${broken}\n# journal ${journalHash}\n`;
  return { name, text: `${how}${text}` };
}

function shorten(text: string): string {
  return text.length <= LONGEST_TITLE ? text : `${text.slice(0, LONGEST_TITLE - 3)}...`;
}

function fileNameOf(cellId: string): string {
  return cellId.replaceAll(/[^A-Za-z0-9.-]+/g, '_');
}

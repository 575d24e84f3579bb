/**
 * The comment lines at the top of a failing scenario's file: the command that repeats it and the hash of its journal.
 * They are for people, and they are read back, so that the file alone is enough to repeat a failure.
 */
import type { Transport } from '../../src/engine/engine-api.ts';

export interface ScenarioHeader {
  readonly engine?: Transport;
  readonly seed?: string;
  readonly mutant?: string;
  /** SHA-256 of the journal of the run that was written down. */
  readonly journalHash?: string;
}

export function readHeader(text: string): ScenarioHeader {
  const comments = text
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .join('\n');
  const engine = wordAfter(comments, '--engine');
  const seed = wordAfter(comments, '--seed');
  const mutant = wordAfter(comments, '--mutant');
  const journalHash = /^# journal ([0-9a-f]{64})$/m.exec(comments)?.[1];
  return {
    ...(isTransport(engine) ? { engine } : {}),
    ...(seed === undefined ? {} : { seed }),
    ...(mutant === undefined ? {} : { mutant }),
    ...(journalHash === undefined ? {} : { journalHash }),
  };
}

export function writeHeader(
  file: string,
  header: Required<Omit<ScenarioHeader, 'mutant'>> & ScenarioHeader,
): string {
  const { engine, seed, mutant, journalHash } = header;
  const broken = mutant === undefined ? '' : ` --mutant ${mutant}`;
  return `# backlot replay ${file} --engine ${engine} --seed ${seed}${broken}\n# journal ${journalHash}\n`;
}

function wordAfter(text: string, option: string): string | undefined {
  return new RegExp(`${option} (\\S+)`).exec(text)?.[1];
}

const isTransport = (word: string | undefined): word is Transport =>
  word === 'nbd' || word === 'nbdssl' || word === 'hotadd';

/** Reads a journal that was recorded, line by line, and says of a bad line what is wrong with it. */
import { readFileSync } from 'node:fs';
import type { TSchema } from 'typebox';
import { createSchemaCheck, type Problem } from '../../harness/driver/checked-yaml.ts';
import type { JournalEntry } from '../kernel/journal.ts';
import { CliError } from './cli-error.ts';

interface Branch {
  readonly properties: { readonly type: { readonly const: string } };
}

/** More problems than these say nothing new. */
const MOST_PROBLEMS = 10;

/** @throws CliError for a file that can't be read, for lines that are no entries, for entries out of order */
export function readJournal(file: string): readonly JournalEntry[] {
  const entries: JournalEntry[] = [];
  const problems: string[] = [];
  const check = createEntryCheck();
  let before: number | undefined;
  for (const [at, line] of linesOf(file).entries()) {
    if (line.trim() === '') continue;
    const where = `${file}:${at + 1}`;
    const entry = parseLine(line, where, problems);
    const expected = before === undefined ? undefined : before + 1;
    before = positionOf(entry);
    if (entry === undefined) continue;
    const wrong = [...check(entry), ...outOfOrder(before, expected)];
    problems.push(...wrong.map(({ path, message }) => `${where} ${path.join('.') || 'entry'}: ${message}`));
    if (wrong.length === 0) entries.push(entry as JournalEntry);
    if (problems.length >= MOST_PROBLEMS) break;
  }
  if (problems.length > 0) throw unusable(problems);
  if (entries.length === 0) throw new CliError('usage', `${file} has no entry`, NEXT);
  return entries;
}

const NEXT = 'A journal has one JSON document per line; "backlot list schema journal" describes it.';

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError('usage', `${file} can not be read: ${reason}`, NEXT);
  }
}

function parseLine(line: string, where: string, problems: string[]): unknown {
  try {
    return JSON.parse(line);
  } catch {
    problems.push(`${where} entry: is not JSON: ${line.slice(0, 60)}`);
    return undefined;
  }
}

/** The schema has one branch per type; only that of the entry's own type says what is wrong with it. */
function createEntryCheck(): (entry: unknown) => readonly Problem[] {
  const { oneOf } = JSON.parse(journalSchema()) as { readonly oneOf: readonly (Branch & TSchema)[] };
  const branches = new Map(oneOf.map((branch) => [branch.properties.type.const, branch]));
  const checks = new Map<string, ReturnType<typeof createSchemaCheck>>();
  return (entry) => {
    const type = typeOf(entry);
    const branch = branches.get(type);
    if (branch === undefined) return [{ path: ['type'], message: unknownType(type, [...branches.keys()]) }];
    const check = checks.get(type) ?? createSchemaCheck(branch);
    checks.set(type, check);
    return check(entry);
  };
}

/** The JSON Schema of an entry as text. */
export function journalSchema(): string {
  return readFileSync(new URL('../kernel/journal.schema.json', import.meta.url), 'utf8');
}

function typeOf(entry: unknown): string {
  if (typeof entry !== 'object' || entry === null || !('type' in entry)) return '';
  return String(entry.type);
}

function unknownType(type: string, known: readonly string[]): string {
  return `${type === '' ? 'is missing' : `there is no type ${type}`}; choose ${known.join(', ')}`;
}

function positionOf(entry: unknown): number | undefined {
  const isNumbered = typeof entry === 'object' && entry !== null && 'n' in entry;
  return isNumbered && typeof entry.n === 'number' ? entry.n : undefined;
}

/** Only a neighbour that could be read says which position comes next. */
function outOfOrder(n: number | undefined, expected: number | undefined): readonly Problem[] {
  if (n === undefined || expected === undefined || n === expected) return [];
  const message = `is ${n} where ${expected} comes next; lines are missing, out of order, or of another world`;
  return [{ path: ['n'], message }];
}

function unusable(problems: readonly string[]): CliError {
  const lines = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${problem}`);
  return new CliError('usage', `the journal can not be judged\n${lines.join('\n')}`, NEXT);
}

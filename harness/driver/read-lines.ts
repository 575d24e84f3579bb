/** Reads what an engine writes: JSON lines of the driver protocol. Every deviation is told with its line and field. */
import { Compile } from 'typebox/compile';
import { type DriverLine, LINE_SCHEMAS } from './protocol.ts';

/** What is not as the protocol has it. */
export interface LineProblem {
  /** From 1. */
  readonly line: number;
  /** `point`, `warnings.2`; empty: the line as a whole. */
  readonly field: string;
  readonly problem: string;
  /** The beginning of the line. */
  readonly text: string;
}

export interface LineReader {
  push(chunk: Uint8Array): void;
  /** Takes a last line that lacks its newline. */
  end(): void;
  readonly result: Extract<DriverLine, { type: 'result' }> | undefined;
  /** The first one. */
  readonly problem: LineProblem | undefined;
  /** The last lines as they came, for evidence. */
  readonly lastLines: readonly string[];
}

const LONGEST_LINE_BYTES = 1024 * 1024;
const KEPT_LINES = 5;
const SHOWN_CHARACTERS = 200;

const compiled = {
  log: Compile(LINE_SCHEMAS.log),
  progress: Compile(LINE_SCHEMAS.progress),
  ok: Compile(LINE_SCHEMAS.ok),
  failed: Compile(LINE_SCHEMAS.failed),
};

export function createLineReader(onLine: (line: DriverLine) => void = () => undefined): LineReader {
  const decoder = new TextDecoder();
  const lastLines: string[] = [];
  let pending = '';
  let number = 0;
  let result: LineReader['result'];
  let problem: LineProblem | undefined;

  const complain = (text: string, field: string, what: string): void => {
    problem ??= { line: number, field, problem: what, text: shorten(text) };
  };
  const takeLine = (raw: string): void => {
    number++;
    const text = raw.trim();
    if (text === '') return;
    lastLines.push(shorten(text));
    if (lastLines.length > KEPT_LINES) lastLines.shift();
    if (result !== undefined)
      return complain(text, '', 'comes after the result, which must be the last line');
    const parsed = parseLine(text);
    if ('problem' in parsed) return complain(text, parsed.field, parsed.problem);
    if (parsed.line.type === 'result') result = parsed.line;
    onLine(parsed.line);
    return undefined;
  };
  return {
    push(chunk) {
      pending += decoder.decode(chunk, { stream: true });
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) takeLine(line);
      if (pending.length <= LONGEST_LINE_BYTES) return;
      number++;
      complain(pending, '', `is longer than ${LONGEST_LINE_BYTES} characters`);
      number--;
      pending = '';
    },
    end() {
      if (pending !== '') takeLine(pending);
      pending = '';
    },
    get result() {
      return result;
    },
    get problem() {
      return problem;
    },
    lastLines,
  };
}

type Parsed = { readonly line: DriverLine } | { readonly field: string; readonly problem: string };

function parseLine(text: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { field: '', problem: 'is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { field: '', problem: 'is not a JSON object' };
  const { type, result } = value as { type?: unknown; result?: unknown };
  if (type === undefined) return { field: 'type', problem: 'is missing' };
  if (type === 'log' || type === 'progress') return checkLine(value, type);
  if (type !== 'result') return { field: 'type', problem: 'must be "log", "progress" or "result"' };
  if (result === 'ok' || result === 'failed') return checkLine(value, result);
  return { field: 'result', problem: 'must be "ok" or "failed"' };
}

function checkLine(value: object, kind: keyof typeof compiled): Parsed {
  const schema = compiled[kind];
  if (schema.Check(value)) return { line: value };
  const [error] = schema.Errors(value).filter(({ keyword }) => keyword !== 'boolean');
  if (error === undefined) return { field: '', problem: 'does not match the protocol' };
  const field = error.instancePath.split('/').slice(1).join('.');
  const { params } = error;
  if ('requiredProperties' in params)
    return { field: params.requiredProperties.join(', '), problem: 'is missing' };
  if ('additionalProperties' in params)
    return { field: params.additionalProperties.join(', '), problem: 'is no field of this line' };
  return { field, problem: error.message };
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)} ...`;
}

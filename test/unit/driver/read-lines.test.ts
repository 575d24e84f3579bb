import { describe, expect, it } from 'vitest';
import { createLineReader, type LineReader } from '../../../harness/driver/read-lines.ts';

function read(text: string, pieceBytes = Number.POSITIVE_INFINITY): LineReader {
  const reader = createLineReader();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += Math.min(pieceBytes, bytes.length))
    reader.push(bytes.subarray(at, at + pieceBytes));
  reader.end();
  return reader;
}

const OK = '{"type":"result","result":"ok","point":"p-ü-1"}';

describe('lines of an engine', () => {
  it.each([1, 2, 7, 1000])('are read in pieces of %i bytes, also without a last newline', (pieceBytes) => {
    const reader = read(`{"type":"log","message":"naïve"}\r\n\n${OK}`, pieceBytes);
    expect(reader.problem).toBeUndefined();
    expect(reader.result).toEqual({ type: 'result', result: 'ok', point: 'p-ü-1' });
  });

  it.each([
    ['no JSON', 'Segmentation fault', '', 'is not JSON'],
    ['no object', '[1]', '', 'is not a JSON object'],
    ['no type', '{"result":"ok"}', 'type', 'is missing'],
    ['another type', '{"type":"done"}', 'type', 'must be "log", "progress" or "result"'],
    ['another result', '{"type":"result","result":"yes"}', 'result', 'must be "ok" or "failed"'],
    ['a missing field', '{"type":"result","result":"failed"}', 'error', 'is missing'],
    ['a stranger', '{"type":"log","message":"a","level":3}', 'level', 'is no field of this line'],
    ['a wrong type', '{"type":"result","result":"ok","warnings":["a",2]}', 'warnings.1', 'must be string'],
    ['a negative number', '{"type":"progress","step":"a","doneBytes":-1}', 'doneBytes', 'must be >= 0'],
  ])('are refused with line and field: %s', (_, line, field, problem) => {
    const reader = read(`{"type":"log","message":"a"}\n${line}\n${OK}\n`);
    expect(reader.problem).toMatchObject({ line: 2, field, problem, text: line });
  });

  it('are refused after the result', () => {
    const reader = read(`${OK}\n{"type":"log","message":"late"}\n`);
    expect(reader.problem).toMatchObject({
      line: 2,
      problem: 'comes after the result, which must be the last line',
    });
  });

  it('are refused when one does not end', () => {
    expect(read('x'.repeat(3_000_000), 65_536).problem?.problem).toMatch(/longer than/);
  });
});

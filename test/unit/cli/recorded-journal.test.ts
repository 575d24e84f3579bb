import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readJournal } from '../../../src/cli/recorded-journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backlot-journal-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BIRTH = '{"n":0,"t":1,"type":"world.created","version":1,"seed":"x","preset":"p"}';
const CLOSE = (n: number): string => `{"n":${n},"t":1,"type":"nbd.close","connection":1,"why":"x"}`;

function fileOf(...lines: readonly string[]): string {
  const file = join(folder, 'run.ndjson');
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

function problemsOf(...lines: readonly string[]): string {
  try {
    readJournal(fileOf(...lines));
  } catch (error) {
    return error instanceof Error ? error.message.replaceAll(folder, '') : '';
  }
  return '';
}

describe('a recorded journal', () => {
  it('is read line by line; empty lines are passed over', () => {
    expect(readJournal(fileOf(BIRTH, '', CLOSE(1)))).toMatchObject([{ n: 0 }, { n: 1, type: 'nbd.close' }]);
  });

  it('may begin in the midst of a story', () => {
    expect(readJournal(fileOf(CLOSE(7), CLOSE(8)))).toHaveLength(2);
  });

  it('is refused with file, line and field of what is wrong', () => {
    const text = problemsOf(
      BIRTH,
      '{"n":1,"t":1,"type":"rest.reply","call":"x","operation":"a","status":200,"code":0,"message":""}',
      'hello',
      '{"n":5,"t":1,"type":"sneeze"}',
      '{"n":6,"t":1,"type":"nbd.close","connection":1,"why":"x","extra":1}',
      CLOSE(9),
    );
    expect(text.split('\n').slice(1)).toEqual([
      '  /run.ndjson:2 call: must be integer',
      '  /run.ndjson:3 entry: is not JSON: hello',
      expect.stringMatching(/:4 type: there is no type sneeze; choose world\.created, /),
      '  /run.ndjson:5 extra: is not a word of this place',
      expect.stringMatching(/:6 n: is 9 where 7 comes next; lines are missing/),
    ]);
  });

  it('is refused when it is empty or not there, with what to do next', () => {
    expect(problemsOf('')).toBe('/run.ndjson has no entry');
    expect(() => readJournal(join(folder, 'none'))).toThrow(/none can not be read/);
  });
});

import { describe, expect, it } from 'vitest';
import { journalValue } from '../../../src/kernel/journal-value.ts';

describe('what gets into the journal', () => {
  it('has no secret, at any depth', () => {
    const value = journalValue({
      auth: { passwordCredentials: { username: 'u', password: 'abcd' } },
      access: { token: { id: 'T', expires: 'later', audit_ids: ['a'] } },
      list: [{ ca_cert: 'MIID' }, { public_key: 'AB\n' }],
    });
    expect(JSON.stringify(value)).not.toMatch(/abcd|"T"|MIID|AB|"a"/);
    expect(value).toMatchObject({ access: { token: { id: '***', expires: 'later' } } });
  });

  it('has neither a command of a guest nor what it printed', () => {
    const value = journalValue([
      { command: 'chpasswd root:hunter2', timeout: 5 },
      { output: 'hunter2', exit_code: 0 },
    ]);
    expect(value).toEqual([
      { command: '***', timeout: 5 },
      { output: '***', exit_code: 0 },
    ]);
  });

  it('keeps other ids', () => {
    expect(journalValue({ id: 'x', task_id: 't' })).toEqual({ id: 'x', task_id: 't' });
  });

  it('leaves out what is 2 KiB or more', () => {
    expect(journalValue('x'.repeat(2045))).toBeDefined();
    expect(journalValue('x'.repeat(2046))).toBeUndefined();
    expect(journalValue(undefined)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { journalValue } from '../../../simulator/http/redact.ts';

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

  it('keeps other ids', () => {
    expect(journalValue({ id: 'x', task_id: 't' })).toEqual({ id: 'x', task_id: 't' });
  });

  it('leaves out what is 2 KiB or more', () => {
    expect(journalValue('x'.repeat(2045))).toBeDefined();
    expect(journalValue('x'.repeat(2046))).toBeUndefined();
    expect(journalValue(undefined)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { createCallRecorder } from '../../../harness/live/call-recorder.ts';
import { createPseudonyms } from '../../../harness/live/pseudonyms.ts';
import { Journal, type Json } from '../../../src/kernel/journal.ts';
import { HIDDEN, SECRET_NAMES } from '../../../src/kernel/journal-value.ts';

const mask = createPseudonyms(Buffer.from('a key of the test'));
/** Those named here may not leave the list of the code unnoticed. */
const SECRETS = new Set([
  ...SECRET_NAMES,
  ...'password public_key ca_cert signature secret_key audit_ids command output'.split(' '),
]);
const ID = '6cc92a46-c252-40af-ac1c-ada651ea4e12';

describe('pseudonyms', () => {
  it('keep equal texts equal and say nothing of them', () => {
    expect(mask.text('erp-01')).toBe(mask.text('erp-01'));
    expect(mask.text('erp-01')).not.toBe(mask.text('erp-02'));
    expect(createPseudonyms(Buffer.from('another key')).text('erp-01')).not.toBe(mask.text('erp-01'));
  });

  it('keep the look of ids', () => {
    expect(mask.text(ID)).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(mask.text(`${ID}:${ID}`)).toBe(`${mask.text(ID)}:${mask.text(ID)}`);
  });

  it('keep what rules live on: states, times, numbers, slots, checkpoints', () => {
    const kept: Json = {
      status: 'running',
      type: 'backup',
      checkpoint_id: '4294967297',
      begin_time: '2026-02-03T12:05:06.000000',
      disks: [{ id: 'ide0', is_enabled: true }],
      remain_time: 600,
      transport_modes: ['nbd', 'nbd_ssl'],
      os_name: 'Backup Proxy',
    };
    expect(mask.json(kept)).toEqual(kept);
  });

  it.each([
    ['a server whose name is a word of another field', { name: 'running' }],
    ['a version that is an address', { version: '192.0.2.7' }],
    ['a date that is none', { created_at: 'erp-01' }],
    ['a number in a text', { name: '4711' }],
    ['a field that nobody knows', { 'erp-01': 1 }],
    ['a secret', { password: 'abc', ca_cert: 'MIIB' }],
  ])('replace %s', (_what, value) => {
    const shown = JSON.stringify(mask.json(value));
    for (const text of ['running', '192.0.2.7', 'erp-01', '4711', 'abc', 'MIIB'])
      expect(shown).not.toContain(text);
  });

  it.each([...SECRETS])('leave nothing of the field %s, whatever it holds', (secret) => {
    for (const value of ['abc', '', 4711, true, ['abc', 4711], { status: 'running', end_time: 4711 }])
      expect(Object.values(mask.json({ [secret]: value }) as Record<string, Json>)).toEqual([HIDDEN]);
    expect(JSON.stringify(mask.json({ disks: [{ data: { [secret]: 4711 } }] }))).toContain(`:"${HIDDEN}"`);
  });

  it('leave of a message what the catalogue has, and nothing of the rest', () => {
    expect(mask.message('Invalid parameter. erp-01: is too long')).toBe('Invalid parameter.');
    expect(mask.message('erp-01 is gone')).toBe('(a message of 14 characters)');
  });
});

describe('a masked recorder', () => {
  it('writes no name, no secret and no piece of an unknown path', () => {
    const journal = new Journal({ now: () => 0 });
    const recorder = createCallRecorder({ journal, mask });
    const login = recorder.begin({
      method: 'POST',
      path: '/janus/authenticate',
      headers: {},
      body: JSON.stringify({ auth: { passwordCredentials: { username: 'jane', password: 'c0ffee' } } }),
    });
    const token = { id: 'sesame', expires: '2026-02-04T00:00:00Z' };
    login.answered({
      status: 200,
      body: JSON.stringify({ code: 0, message: '', data: { access: { token } } }),
    });
    const call = recorder.begin({
      method: 'GET',
      path: '/janus/20990101/erp-01/secret-project?query_name=erp-01&erp-01=x',
      headers: { authorization: 'Token sesame', 'X-Client-Token': 'mine' },
    });
    call.answered({ status: 404, body: '{"code":404,"message":"erp-01 is unknown","data":{}}' });
    const text = journal.entries.map((entry) => JSON.stringify(entry)).join('\n');
    for (const word of ['jane', 'c0ffee', 'sesame', 'erp-01', 'secret-project', 'mine'])
      expect(text).not.toContain(word);
    expect(text).toContain('/janus/20990101'.slice(0, 7));
    const actors = journal.entries.flatMap((entry) => (entry.type === 'rest.request' ? [entry.actor] : []));
    expect(actors[1]).toBe(mask.text('jane'));
  });
});

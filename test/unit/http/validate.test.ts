import { describe, expect, it } from 'vitest';
import { ApiError } from '../../../src/contract/errors.ts';
import { backupResourceCreateBody } from '../../../src/contract/schemas/backup-resources.ts';
import { changedAreasQuery } from '../../../src/contract/schemas/cbt.ts';
import { serversQuery } from '../../../src/contract/schemas/servers.ts';
import { snapshotRecoveryBody } from '../../../src/contract/schemas/snapshots.ts';
import { storagesQuery } from '../../../src/contract/schemas/inventory.ts';
import { checkAgainst, coerceQuery } from '../../../simulator/http/validate.ts';
import type { Schema } from '../../../src/contract/schema.ts';

const refusal = (schema: Schema, value: unknown): string => {
  try {
    checkAgainst(schema, value);
    return 'accepted';
  } catch (error) {
    return error instanceof ApiError ? `${error.code} ${error.detail}` : String(error);
  }
};

const good = { server_id: 's', type: 'backup', lock_time: 60 };

describe('a request body', () => {
  it('passes with unknown fields', () => {
    expect(refusal(backupResourceCreateBody, { ...good, later: { version: 1 } })).toBe('accepted');
  });

  it.each([
    [{ ...good, lock_time: 59 }, 'INVALID_PARAMETER lock_time: must be >= 60'],
    [{ ...good, lock_time: 7201 }, 'INVALID_PARAMETER lock_time: must be <= 7200'],
    [{ ...good, lock_time: '600' }, 'INVALID_PARAMETER lock_time: must be integer'],
    [{ ...good, lock_time: 60.5 }, 'INVALID_PARAMETER lock_time: must be integer'],
    [{ server_id: 's', type: 'backup' }, 'INVALID_PARAMETER lock_time: is required'],
    [{ ...good, server_id: null }, 'INVALID_PARAMETER server_id: must be string'],
    [[], 'INVALID_PARAMETER must be object'],
    ['text', 'INVALID_PARAMETER must be object'],
  ])('%j is answered %s', (body, expected) => {
    expect(refusal(backupResourceCreateBody, body)).toBe(expected);
  });

  it('names the field of a wrong enum and what it may be', () => {
    expect(refusal(backupResourceCreateBody, { ...good, type: 'Backup' })).toBe(
      'INVALID_PARAMETER type: must be one of backup, restore',
    );
  });

  it.each([0, 1, true, false])('takes %o for a switch', (backup) => {
    expect(refusal(snapshotRecoveryBody, { backup })).toBe('accepted');
  });

  it.each([2, '1', null])('does not take %o for a switch', (backup) => {
    expect(refusal(snapshotRecoveryBody, { backup })).toMatch(/^INVALID_PARAMETER backup: /);
  });
});

describe('a query', () => {
  const areas = { disk_id: 'ide0', snapshot_id: 's', checkpoint_id: '21474836484', start_offset: '0' };

  it('becomes integers beyond 32 bits', () => {
    const query = coerceQuery(changedAreasQuery, areas);
    expect(query).toMatchObject({ checkpoint_id: 21_474_836_484, start_offset: 0 });
    expect(refusal(changedAreasQuery, query)).toBe('accepted');
  });

  it.each(['x', '1.5', '0x10', '-1', '99999999999999999999'])(
    'with the checkpoint %o is refused',
    (checkpoint_id) => {
      const query = coerceQuery(changedAreasQuery, { ...areas, checkpoint_id });
      expect(refusal(changedAreasQuery, query)).toMatch(/^INVALID_PARAMETER checkpoint_id: /);
    },
  );

  it('says the observed words about an az_id that is no UUID', () => {
    for (const az_id of ['', 'pool-1'])
      expect(refusal(serversQuery, coerceQuery(serversQuery, { az_id }))).toBe(
        'INVALID_PARAMETER az_id input error: the value must be in UUID format',
      );
  });

  it('counts an empty value as not sent', () => {
    expect(coerceQuery(serversQuery, { page_num: '', status: '' })).toEqual({});
  });

  it('takes a list repeated or with commas, and the last of a repeated value', () => {
    expect(coerceQuery(storagesQuery, { storage_ids: ['a,b', 'c'] })).toEqual({
      storage_ids: ['a', 'b', 'c'],
    });
    expect(coerceQuery(serversQuery, { page_num: ['1', '2'] })).toEqual({ page_num: 2 });
  });
});
